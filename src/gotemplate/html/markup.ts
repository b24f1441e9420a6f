import { attributeKindIn, isScriptType } from './attribute-kinds.ts';
import { afterContent, readContent } from './content.ts';
import { MarkupError } from './markup-error.ts';
import {
  type CommentState,
  isComment,
  PAGE_START,
  type Place,
  type SpecialElement,
  type State,
  VALUE_STATES,
} from './place.ts';

export interface MarkupStep {
  readonly place: Place;
  readonly at: number;
}

const SPACE = /[ \t\n\f\r]*/y;
const TAG = /<(\/?)([a-z](?:[a-z0-9]|[:-](?=[a-z0-9]))*)/giy;
const NAME = /[^ \t\n\f\r=>'"<]*/y;

/** Reads on in a page from `at`: at least one character, or into another state. @throws MarkupError */
function readMarkup(place: Place, text: string, at: number): MarkupStep {
  if (place.quote !== null) return readValue(place, text, at);
  switch (place.state) {
    case 'text':
      return readText(place, text, at);
    case 'tag':
      return readTag(place, text, at);
    case 'attribute name':
      return readName(place, text, at);
    case 'after attribute name': {
      const end = behind(SPACE, text, at);
      if (end === text.length) return { place, at: end };
      if (text.charAt(end) !== '=') return { place: { ...place, state: 'tag' }, at: end };
      return { place: { ...place, state: 'before value' }, at: end + 1 };
    }
    case 'before value':
      return startValue(place, text, at);
    case 'comment': {
      const end = text.indexOf('-->', at);
      return end === -1 ? { place, at: text.length } : { place: PAGE_START, at: end + 3 };
    }
    case 'plain text':
    case 'script':
    case 'script "':
    case "script '":
    case 'script line comment':
    case 'script block comment':
    case 'unclear script':
    case 'style':
    case 'style "':
    case "style '":
    case 'style address "':
    case "style address '":
    case 'style address':
    case 'style line comment':
    case 'style block comment':
      return readElement(place, text, at);
    case 'value':
    case 'address':
    case 'addresses':
    case 'meta content':
    case 'meta address':
    case 'nowhere':
      throw new MarkupError(`nothing can be read in the state ${JSON.stringify(place.state)}`);
  }
}

/** @param pattern sticky, and matches whatever comes, if only nothing */
function behind(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return at + (pattern.exec(text)?.[0].length ?? 0);
}

const SPECIAL_ELEMENTS: ReadonlySet<string> = new Set(['script', 'style', 'textarea', 'title', 'meta']);

function isSpecial(name: string): name is SpecialElement {
  return SPECIAL_ELEMENTS.has(name);
}

/** Up to the next tag or comment. */
function readText(place: Place, text: string, from: number): MarkupStep {
  for (let at = text.indexOf('<', from); at !== -1; at = text.indexOf('<', at + 1)) {
    if (text.startsWith('<!--', at)) return { place: { ...PAGE_START, state: 'comment' }, at: at + 4 };
    TAG.lastIndex = at;
    const match = TAG.exec(text);
    if (!match) continue;
    const [tag, slash, name = ''] = match;
    const opened = name.toLowerCase();
    const element = slash === '' && isSpecial(opened) ? opened : null;
    return { place: { ...PAGE_START, state: 'tag', element }, at: at + tag.length };
  }
  return { place, at: text.length };
}

const CONTENT_STATES: Readonly<Record<SpecialElement, State>> = {
  script: 'script',
  style: 'style',
  textarea: 'plain text',
  title: 'plain text',
  meta: 'text',
};

function readTag(place: Place, text: string, from: number): MarkupStep {
  const at = behind(SPACE, text, from);
  if (at === text.length) return { place, at };
  if (text.charAt(at) === '>') {
    const { element } = place;
    if (element === null || element === 'meta') return { place: PAGE_START, at: at + 1 };
    return { place: { ...PAGE_START, state: CONTENT_STATES[element], element }, at: at + 1 };
  }
  const end = endOfName(text, at);
  if (end === at) {
    throw new MarkupError(
      `expected a space, an attribute's name or the end of the tag, but got ${quoted(text, at)}`,
    );
  }
  const attribute = attributeKindIn(place.element, text.slice(at, end));
  const state = end === text.length ? 'attribute name' : 'after attribute name';
  return { place: { ...place, state, attribute }, at: end };
}

function readName(place: Place, text: string, at: number): MarkupStep {
  const end = endOfName(text, at);
  return { place: end === text.length ? place : { ...place, state: 'after attribute name' }, at: end };
}

function endOfName(text: string, at: number): number {
  const end = behind(NAME, text, at);
  if (/['"<]/.test(text.charAt(end))) {
    throw new MarkupError(
      `${JSON.stringify(text.charAt(end))} in the name of an attribute: ${quoted(text, at)}`,
    );
  }
  return end;
}

function startValue(place: Place, text: string, from: number): MarkupStep {
  const at = behind(SPACE, text, from);
  if (at === text.length) return { place, at };
  const mark = text.charAt(at);
  const state = VALUE_STATES[place.attribute];
  if (mark === '"' || mark === "'") return { place: { ...place, state, quote: mark }, at: at + 1 };
  return { place: { ...place, state, quote: 'space' }, at };
}

function readValue(place: Place, text: string, at: number): MarkupStep {
  const { quote } = place;
  const found =
    quote === 'space' ? text.slice(at).search(/[ \t\n\f\r>]/) : text.indexOf(quote ?? '"', at) - at;
  const end = found < 0 ? text.length : at + found;
  const value = text.slice(at, end);
  const odd = quote === 'space' ? /["'<=`]/.exec(value) : null;
  if (odd) {
    throw new MarkupError(
      `${JSON.stringify(odd[0])} in the value of an attribute without quotes: ${quoted(value, 0)}`,
    );
  }
  if (found < 0) return { place: afterContent(place, withoutEntities(value)), at: end };
  // A script of another type is text: a template for scripts, say.
  const isOther = place.state === 'value' && place.attribute === 'script type' && !isScriptType(value);
  const element = isOther ? null : place.element;
  return { place: { ...PAGE_START, state: 'tag', element }, at: quote === 'space' ? end : end + 1 };
}

/** In an element whose content is no HTML: up to its closing tag, which ends it whatever the content is. */
function readElement(place: Place, text: string, at: number): MarkupStep {
  const closing = new RegExp(`</${place.element ?? ''}(?=[> \\t\\n\\f/])`, 'gi');
  closing.lastIndex = at;
  const end = closing.exec(text)?.index;
  if (end === at) return { place: PAGE_START, at };
  return readContent(place, end === undefined ? text : text.slice(0, end), at);
}

const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: '\u00A0',
  num: '#',
  quest: '?',
  colon: ':',
  sol: '/',
  bsol: '\\',
  lpar: '(',
  rpar: ')',
  grave: '`',
  Tab: '\t',
  NewLine: '\n',
};
const MAX_POINT = 0x10ffff;

/** The entities that matter to what follows: numbers, and the names of marks. */
function withoutEntities(text: string): string {
  return text.replace(
    /&(?:#(\d+)|#[xX]([0-9a-fA-F]+)|([a-zA-Z]+));?/g,
    (entity: string, decimal?: string, hex?: string, name?: string) => {
      if (name !== undefined) return Object.hasOwn(ENTITIES, name) ? (ENTITIES[name] ?? entity) : entity;
      const point = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal);
      return point > MAX_POINT ? '\uFFFD' : String.fromCodePoint(point).toWellFormed();
    },
  );
}

const SHOWN_CHARACTERS = 32;

function quoted(text: string, at: number): string {
  return JSON.stringify(text.slice(at, at + SHOWN_CHARACTERS));
}

/**
 * Where a page has come to behind a text of a template, and the text as it is written: without comments, and with a `<`
 * that begins no tag as `&lt;`.
 * @throws MarkupError
 */
export function afterMarkup(start: Place, text: string): { readonly place: Place; readonly text: string } {
  let place = start;
  let written = '';
  for (let at = 0; at < text.length;) {
    const step = readMarkup(place, text, at);
    written += writtenText(place, step, text.slice(at, step.at));
    ({ place, at } = step);
  }
  return { place, text: written };
}

function writtenText(place: Place, { place: next }: MarkupStep, text: string): string {
  if (place.quote !== null) return text;
  if (isComment(place.state)) return afterComment(place, next, text);
  const kept = isComment(next.state) ? text.slice(0, -COMMENT_START[next.state].length) : text;
  if (place.state === 'plain text') return kept.replaceAll('<', '&lt;');
  if (place.state !== 'text') return kept;
  // The last `<` begins the tag that comes next.
  const opening = next.state === 'tag' ? kept.lastIndexOf('<') : kept.length;
  return kept.slice(0, opening).replace(/<(?!!doctype)/gi, '&lt;') + kept.slice(opening);
}

const COMMENT_START: Readonly<Record<CommentState, string>> = {
  comment: '<!--',
  'script line comment': '//',
  'script block comment': '/*',
  'style line comment': '//',
  'style block comment': '/*',
};

/** What stays of a comment: what it would have been to the script or style around it, a space or the end of a line. */
function afterComment({ state }: Place, next: Place, text: string): string {
  if (state === 'comment') return '';
  if (state.endsWith('line comment')) return next.state === state ? '' : text.slice(-1);
  return state === 'script block comment' && /[\n\r\u2028\u2029]/.test(text) ? '\n' : ' ';
}

/** What an HTML text says, without its tags and comments: to stand in an attribute. */
export function withoutTags(html: string): string {
  let place = PAGE_START;
  let text = '';
  try {
    for (let at = 0; at < html.length;) {
      const step = readMarkup(place, html, at);
      if (place.state === 'text' || place.state === 'plain text') {
        const piece = html.slice(at, step.at);
        text +=
          step.place.state === place.state ? piece : piece.slice(0, Math.max(0, piece.lastIndexOf('<')));
      }
      ({ place, at } = step);
    }
  } catch (thrown) {
    if (!(thrown instanceof MarkupError)) throw thrown;
  }
  return text;
}
