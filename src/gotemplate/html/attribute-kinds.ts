import type { AttributeKind, SpecialElement } from './place.ts';

const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/));

const ADDRESSES = words(`
  action archive background cite classid codebase data formaction href icon longdesc manifest poster profile src usemap
  xmlns`);

/** Attributes that decide how content is read, sent or run. */
const DECIDING = words(`
  accept-charset async challenge charset content crossorigin defer enctype form formenctype formmethod formnovalidate
  http-equiv keytype language method novalidate pattern rel sandbox srcdoc type value`);

/**
 * What an attribute's value is, by its name in lower case. What is not known is taken for as much as it could be, as
 * Go's html/template does: a name that begins with `on` is a script, one that contains `url` an address.
 */
export function attributeKind(name: string): AttributeKind | 'deciding' {
  if (name.startsWith('xmlns:')) return 'address';
  const plain = name.startsWith('data-') ? name.slice('data-'.length) : name.replace(/^[^:]*:/, '');
  if (ADDRESSES.has(plain)) return 'address';
  if (DECIDING.has(plain)) return 'deciding';
  if (plain === 'style') return 'style';
  if (plain === 'srcset') return 'addresses';
  if (plain === 'srclang') return 'plain';
  if (plain.startsWith('on')) return 'script';
  return /src|uri|url/.test(plain) ? 'address' : 'plain';
}

/** The kind of an attribute where it stands. */
export function attributeKindIn(element: SpecialElement | null, attribute: string): AttributeKind {
  const name = attribute.toLowerCase();
  if (element === 'script' && name === 'type') return 'script type';
  if (element === 'meta' && name === 'content') return 'meta content';
  const kind = attributeKind(name);
  return kind === 'deciding' ? 'plain' : kind;
}

const SCRIPT_TYPES = words(`
  application/ecmascript application/javascript application/json application/ld+json application/x-ecmascript
  application/x-javascript module text/ecmascript text/javascript text/javascript1.0 text/javascript1.1
  text/javascript1.2 text/javascript1.3 text/javascript1.4 text/javascript1.5 text/jscript text/livescript
  text/x-ecmascript text/x-javascript`);

/** Whether a `type` of `<script>` says that its content is JavaScript or JSON. */
export function isScriptType(type: string): boolean {
  const [essence = ''] = type.split(';');
  const name = essence.toLowerCase().trim();
  return name === '' || SCRIPT_TYPES.has(name);
}
