import { shown, shownInPieces } from '../format/print.ts';
import { escapeHtml, escapeQuery } from '../functions/escapes.ts';
import { changes, PIECE_CHARACTERS } from '../pieces.ts';
import { InPieces } from '../values/in-pieces.ts';
import { GoText, stringOf, TemplateRunError, type TemplateValue } from '../values/value.ts';
import {
  addressAmongAddresses,
  escapeInQuery,
  filterAddress,
  filterAddresses,
  normalizeAddress,
} from './escapers/address.ts';
import {
  escapeText,
  escapeUnquoted,
  filterName,
  htmlAsPlainText,
  htmlInAttribute,
  htmlInUnquoted,
} from './escapers/markup.ts';
import { escapeScriptText, scriptValue } from './escapers/script.ts';
import { escapeStyleText, filterStyleValue } from './escapers/style.ts';
import { MarkupError } from './markup-error.ts';
import type { Place } from './place.ts';

/** What `safeHtml` and `safeUrl` of a template give. */
export const HTML_TYPE = 'template.HTML';
export const ADDRESS_TYPE = 'template.URL';

/** One change of a value on its way into a page. */
interface Escaper {
  readonly text: (text: string) => string;
  /** Whether it looks at one character of a text at a time: it may be given a long one in pieces. */
  readonly isByCharacter?: true;
  /** For a value that is known to be HTML, or an address; as any other text where there is none. */
  readonly html?: (html: string) => string;
  readonly address?: (address: string) => string;
  /** Go's function for templates that does the same: it takes the escaper's place where a template calls it. */
  readonly sameAs?: PredefinedEscaper;
}

export type PredefinedEscaper = 'html' | 'urlquery';

const asItIs = (text: string): string => text;

const TEXT: Escaper = { text: escapeText, isByCharacter: true, html: asItIs, sameAs: 'html' };
const PLAIN_TEXT: Escaper = {
  text: escapeText,
  isByCharacter: true,
  html: htmlAsPlainText,
  sameAs: 'html',
};
const IN_QUOTES: Escaper = { text: escapeText, isByCharacter: true, html: htmlInAttribute, sameAs: 'html' };
const WITHOUT_QUOTES: Escaper = { text: escapeUnquoted, isByCharacter: true, html: htmlInUnquoted };
const NAME: Escaper = { text: filterName };
const ADDRESS_START: Escaper = { text: filterAddress, address: asItIs };
const ADDRESS: Escaper = { text: normalizeAddress, sameAs: 'urlquery' };
const QUERY: Escaper = {
  text: escapeInQuery,
  isByCharacter: true,
  address: normalizeAddress,
  sameAs: 'urlquery',
};
const ADDRESSES: Escaper = { text: filterAddresses, address: addressAmongAddresses };
const SCRIPT_TEXT: Escaper = { text: escapeScriptText, isByCharacter: true };
const STYLE_VALUE: Escaper = { text: filterStyleValue };
const STYLE_TEXT: Escaper = { text: escapeStyleText };
const COMMENT: Escaper = { text: () => '' };

/** How a value is written at a place of a page. */
export interface ValueWriter {
  readonly escapers: readonly Escaper[];
  /** Whether the value is an expression of a script: it is written as JSON first. */
  readonly isExpression: boolean;
}

/** @throws MarkupError where no value can stand */
export function writerAt(place: Place): ValueWriter {
  const isExpression = place.state === 'script';
  const inQuotes = place.quote === 'space' ? [WITHOUT_QUOTES] : place.quote === null ? [] : [IN_QUOTES];
  return { escapers: [...escapersAt(place), ...inQuotes], isExpression };
}

function escapersAt(place: Place): readonly Escaper[] {
  switch (place.state) {
    case 'text':
      return [TEXT];
    case 'plain text':
      return [PLAIN_TEXT];
    case 'tag':
    case 'attribute name':
    case 'after attribute name':
      return [NAME];
    case 'address':
    case 'style address':
    case 'style address "':
    case "style address '":
      return addressEscapers(place, ADDRESS);
    case 'style "':
    case "style '":
      return addressEscapers(place, STYLE_TEXT);
    case 'addresses':
      return [ADDRESSES];
    case 'meta address':
      return [ADDRESS_START];
    case 'script "':
    case "script '":
      return [SCRIPT_TEXT];
    case 'style':
      return [STYLE_VALUE];
    case 'value':
    case 'meta content':
    case 'script':
    case 'before value':
    case 'nowhere':
      return [];
    case 'comment':
    case 'script line comment':
    case 'script block comment':
    case 'style line comment':
    case 'style block comment':
      return [COMMENT];
    case 'unclear script':
      throw new MarkupError('a value can not stand behind a slash, a backquote or <!-- in a script');
  }
}

function addressEscapers({ part }: Place, escaper: Escaper): readonly Escaper[] {
  switch (part) {
    case 'start':
      return [ADDRESS_START, escaper];
    case 'path':
      return [escaper];
    case 'query':
      return [QUERY];
    case 'unclear':
      throw new MarkupError('it is not clear whether the value is in the query of its address');
  }
}

/**
 * Puts what a template calls itself in the place of the escaper that does the same, so that nothing is escaped twice;
 * null where there is none of them, and the template's call stays what it is.
 */
export function withPredefined(writer: ValueWriter, name: PredefinedEscaper): ValueWriter | null {
  const predefined: Escaper = { text: name === 'html' ? escapeHtml : escapeQuery, isByCharacter: true };
  if (!writer.escapers.some(({ sameAs }) => sameAs === name)) return null;
  const escapers = writer.escapers.map((escaper) => (escaper.sameAs === name ? predefined : escaper));
  return { ...writer, escapers };
}

/** How long a value may be in an address, a style or a name, and HTML in an attribute: it is looked at as a whole. */
export const MAX_WHOLE_CHARACTERS = 16 * 1024;

/** Writes a value as its place demands, in pieces where it takes long. @throws TemplateRunError where it is too long for its place */
export function writeValue(
  writer: ValueWriter,
  value: TemplateValue,
  maxCharacters: number,
): string | InPieces<string> {
  const { escapers, isExpression } = writer;
  const text = stringOf(value);
  const isShort =
    text === null ? value === null || typeof value !== 'object' : text.length <= PIECE_CHARACTERS;
  if (isExpression || !isShort) return new InPieces(writtenInPieces(writer, value, maxCharacters));
  const [first, ...others] = escapers;
  const plain = text ?? (value === null ? '' : shown(value, maxCharacters));
  if (first === undefined) return plain;
  const escape = ownEscape(first, value) ?? first.text;
  return others.reduce((escaped, escaper) => escaper.text(escaped), escape(plain));
}

/** The escaper's function for a value that is known to be HTML, or an address. */
function ownEscape(escaper: Escaper, value: TemplateValue): ((text: string) => string) | undefined {
  const known = value instanceof GoText ? value.type : null;
  if (known === HTML_TYPE) return escaper.html;
  return known === ADDRESS_TYPE ? escaper.address : undefined;
}

function* writtenInPieces(
  { escapers, isExpression }: ValueWriter,
  value: TemplateValue,
  maxCharacters: number,
): Generator<void, string> {
  let text = isExpression
    ? yield* scriptValue(value, maxCharacters)
    : (stringOf(value) ?? (value === null ? '' : yield* shownInPieces(value, maxCharacters)));
  for (const [place, escaper] of escapers.entries()) {
    const own = place === 0 && !isExpression ? ownEscape(escaper, value) : undefined;
    const escape = own ?? escaper.text;
    if (own === undefined && escaper.isByCharacter) {
      text = yield* changes(text, escape, maxCharacters);
      continue;
    }
    if (escape !== asItIs) assertFitsWhole(text);
    text = escape(text);
    yield;
  }
  return text;
}

function assertFitsWhole(text: string): void {
  if (text.length <= MAX_WHOLE_CHARACTERS) return;
  throw new TemplateRunError(
    `a value has ${text.length} characters; in an address, a style or the name of an attribute, and as HTML in an attribute, it may have ${MAX_WHOLE_CHARACTERS}`,
    { exceedsLimit: true },
  );
}
