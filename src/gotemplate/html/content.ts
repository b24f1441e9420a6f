import { MarkupError } from './markup-error.ts';
import type { Place, State } from './place.ts';
import { decodeStyle } from './style-escapes.ts';

export interface ContentStep {
  readonly place: Place;
  /** Behind what has been read: at least one character further. */
  readonly at: number;
}

/** Where a value of an attribute, a script or a style has come to behind a text of it. @throws MarkupError */
export function afterContent(start: Place, text: string): Place {
  let place = start;
  for (let at = 0; at < text.length;) {
    const step = readContent(place, text, at);
    place = step.place;
    at = step.at;
  }
  return place;
}

/** Reads on from `at`: at least one character. @throws MarkupError */
export function readContent(place: Place, text: string, at: number): ContentStep {
  switch (place.state) {
    case 'address':
    case 'addresses':
      return { place: afterAddress(place, text), at: text.length };
    case 'meta content':
      return stepTo(place, { text, at, end: /url[ \t\n\f\r]*=/gi, next: 'meta address' });
    case 'meta address':
      return stepTo(place, { text, at, end: /;/g, next: 'meta content' });
    case 'script':
      return inScript(place, text, at);
    case 'script "':
    case "script '":
      return inScriptText(place, text, at);
    case 'script line comment':
      return stepTo(place, { text, at, end: /[\n\r\u2028\u2029]/g, next: 'script' });
    case 'script block comment':
      return stepTo(place, { text, at, end: /\*\//g, next: 'script' });
    case 'style':
      return inStyle(place, text, at);
    case 'style "':
    case "style '":
    case 'style address "':
    case "style address '":
    case 'style address':
      return inStyleText(place, text, at);
    case 'style line comment':
      return stepTo(place, { text, at, end: /[\n\f\r]/g, next: 'style' });
    case 'style block comment':
      return stepTo(place, { text, at, end: /\*\//g, next: 'style' });
    case 'text':
    case 'tag':
    case 'attribute name':
    case 'after attribute name':
    case 'before value':
    case 'comment':
    case 'plain text':
    case 'value':
    case 'unclear script':
    case 'nowhere':
      return { place, at: text.length };
  }
}

/** Up to and behind what `end` finds, and into the next state; to the end of the text where it finds nothing. */
function stepTo(
  place: Place,
  {
    text,
    at,
    end,
    next,
  }: { readonly text: string; readonly at: number; readonly end: RegExp; readonly next: State },
): ContentStep {
  const match = firstMatch(end, text, at);
  if (!match) return { place, at: text.length };
  return { place: { ...place, state: next }, at: match.index + match[0].length };
}

/** @param pattern global */
function firstMatch(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

function afterAddress(place: Place, text: string): Place {
  if (/[#?]/.test(text)) return { ...place, part: 'query' };
  return place.part === 'start' && /[^ \t\n\f\r]/.test(text) ? { ...place, part: 'path' } : place;
}

const SCRIPT_MARKS: ReadonlyMap<string, State> = new Map<string, State>([
  ['"', 'script "'],
  ["'", "script '"],
  ['//', 'script line comment'],
  ['/*', 'script block comment'],
]);

function inScript(place: Place, text: string, at: number): ContentStep {
  const match = firstMatch(/["'`]|\/[/*]?|<!--|-->/g, text, at);
  if (!match) return { place, at: text.length };
  const state = SCRIPT_MARKS.get(match[0]) ?? 'unclear script';
  return { place: { ...place, state }, at: match.index + match[0].length };
}

function inScriptText(place: Place, text: string, at: number): ContentStep {
  const match = firstMatch(place.state === 'script "' ? /\\|"/g : /\\|'/g, text, at);
  if (!match) return { place, at: text.length };
  if (match[0] !== '\\') return { place: { ...place, state: 'script' }, at: match.index + 1 };
  return { place, at: behindEscape(text, match.index) };
}

/** @throws MarkupError where the text ends in the middle of it: a value would be part of the escape */
function behindEscape(text: string, at: number): number {
  if (at + 1 >= text.length) throw new MarkupError('a value can not stand right behind a backslash');
  return at + 2;
}

const STYLE_MARKS: ReadonlyMap<string, State> = new Map<string, State>([
  ['"', 'style "'],
  ["'", "style '"],
  ['//', 'style line comment'],
  ['/*', 'style block comment'],
]);
const STYLE_MARK = /(?<![\w\-\u0080-\uFFFF])url[ \t\n\f\r]*\([ \t\n\f\r]*["']?|["']|\/[/*]/gi;

function inStyle(place: Place, text: string, at: number): ContentStep {
  const match = firstMatch(STYLE_MARK, text, at);
  if (!match) return { place, at: text.length };
  const [mark] = match;
  const quote = mark.endsWith('"') ? ' "' : mark.endsWith("'") ? " '" : '';
  const state = STYLE_MARKS.get(mark) ?? (`style address${quote}` as State);
  return { place: { ...place, state }, at: match.index + mark.length };
}

/** Texts of styles are taken for addresses: `background: "…"` is one. */
function inStyleText(place: Place, text: string, at: number): ContentStep {
  const ends = place.state.endsWith('"') ? /\\|"/g : place.state.endsWith("'") ? /\\|'/g : /\\|[\t\n\f\r )]/g;
  const match = firstMatch(ends, text, at);
  const read = (end: number): Place => afterAddress(place, decodeStyle(text.slice(at, end)));
  if (!match) return { place: read(text.length), at: text.length };
  if (match[0] !== '\\') return { place: { ...place, state: 'style' }, at: match.index + 1 };
  const end = behindEscape(text, match.index);
  return { place: read(end), at: end };
}
