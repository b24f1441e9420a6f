/** A tag of a page as a browser reads it. */
export interface ReadTag {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  /** The text up to the next tag. */
  readonly text: string;
}

const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"' };

function decoded(text: string): string {
  return text.replace(
    /&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi,
    (entity: string, hex?: string, decimal?: string, name?: string) =>
      name === undefined
        ? String.fromCodePoint(Number.parseInt(hex ?? decimal ?? '', hex === undefined ? 10 : 16))
        : (NAMED[name] ?? entity),
  );
}

/**
 * Reads a page by the rules of HTML's tokenizer, apart from the code under test: tags with their attributes, comments, and
 * elements whose content has no tags.
 */
export function readPage(page: string): readonly ReadTag[] {
  const tags: ReadTag[] = [];
  let at = 0;
  while (at < page.length) {
    const open = page.indexOf('<', at);
    if (open === -1) break;
    at = open + 1;
    if (page.startsWith('!--', at)) {
      const end = page.indexOf('-->', at);
      at = end === -1 ? page.length : end + 3;
      continue;
    }
    const name = /^\/?[a-z][^ \t\n\f\r/>]*/i.exec(page.slice(at))?.[0].toLowerCase();
    if (name === undefined) continue;
    const { attributes, end } = readAttributes(page, at + name.length);
    const isRaw = ['script', 'style', 'title', 'textarea'].includes(name);
    const textEnd = page
      .slice(end)
      .search(isRaw ? new RegExp(`</${name}[ \\t\\n\\f\\r/>]`, 'i') : /<[!/a-z]/i);
    const text = page.slice(end, textEnd === -1 ? undefined : end + textEnd);
    tags.push({ name, attributes, text: name === 'script' || name === 'style' ? text : decoded(text) });
    at = textEnd === -1 ? page.length : end + textEnd;
  }
  return tags;
}

function readAttributes(
  page: string,
  start: number,
): { readonly attributes: ReadonlyMap<string, string>; readonly end: number } {
  const attributes = new Map<string, string>();
  let at = start;
  for (;;) {
    at += /^[ \t\n\f\r/]*/.exec(page.slice(at))?.[0].length ?? 0;
    if (at >= page.length || page.charAt(at) === '>') return { attributes, end: at + 1 };
    const match =
      /^=?[^ \t\n\f\r/>=]*(?:[ \t\n\f\r]*=[ \t\n\f\r]*(?:"([^"]*)(?:"|$)|'([^']*)(?:'|$)|([^ \t\n\f\r>]*)))?/.exec(
        page.slice(at),
      ) ?? [];
    const [all = '', double, single, plain] = match;
    const name = all.split(/[ \t\n\f\r=]/, 1)[0] ?? '';
    attributes.set(name.toLowerCase(), decoded(double ?? single ?? plain ?? ''));
    at += Math.max(1, all.length);
  }
}
