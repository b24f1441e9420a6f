import { createAnchors } from './anchors.ts';

export interface Heading {
  readonly kind: 'heading';
  readonly level: number;
  /** Markdown, as all texts of blocks but those of code. */
  readonly text: string;
  readonly anchor: string;
}

export type Block =
  | Heading
  | { readonly kind: 'paragraph'; readonly text: string }
  | { readonly kind: 'code'; readonly text: string }
  | {
      readonly kind: 'list';
      /** The number of the first item; null: it has points. */
      readonly start: number | null;
      /** Whether blank lines part its items, whose texts are paragraphs then. */
      readonly isLoose: boolean;
      readonly items: readonly (readonly Block[])[];
    }
  | {
      readonly kind: 'table';
      readonly header: readonly string[];
      /** Each with as many cells as the header. */
      readonly rows: readonly (readonly string[])[];
    };

/** A block, and the line after it. */
interface Read {
  readonly block: Block;
  readonly end: number;
}

type Anchors = (heading: string) => string;
type Lines = readonly string[];

const FENCE = /^(`{3,}|~{3,})/;
const INDENTED = /^ {4}/;
const HEADING = /^(#{1,6}) +(.+?)(?: +#+)? *$/;
const TABLE_ROW = /^\|/;
const TABLE_RULE = /^\|(?: *:?-+:? *\|)+ *$/;
const ITEM = /^( {0,3})([-*+]|\d{1,9}[.)])( {1,4})(?=\S)/;

/**
 * The blocks of a page of the documentation: the Markdown that its pages are written in (headings, paragraphs, lists, tables, code),
 * as CommonMark and GitHub read it. What else there is in Markdown, HTML above all, is text here.
 */
export function parseMarkdown(text: string): readonly Block[] {
  return parseLines(text.replaceAll('\r\n', '\n').split('\n'), createAnchors());
}

function parseLines(lines: Lines, anchors: Anchors): readonly Block[] {
  const blocks: Block[] = [];
  let at = 0;
  while (at < lines.length) {
    if (isBlank(lines[at])) {
      at += 1;
      continue;
    }
    const { block, end } = readBlock(lines, at, anchors);
    blocks.push(block);
    at = end;
  }
  return blocks;
}

function readBlock(lines: Lines, at: number, anchors: Anchors): Read {
  return (
    readFenced(lines, at) ??
    readIndented(lines, at) ??
    readHeading(lines, at, anchors) ??
    readTable(lines, at) ??
    readList(lines, at, anchors) ??
    readParagraph(lines, at)
  );
}

function isBlank(line: string | undefined): boolean {
  return line === undefined || line.trim() === '';
}

/** One that is not closed ends with the page. */
function readFenced(lines: Lines, at: number): Read | null {
  const [fence] = FENCE.exec(lines[at] ?? '') ?? [];
  if (fence === undefined) return null;
  let end = at + 1;
  while (end < lines.length && !isClosing(lines[end] ?? '', fence)) end += 1;
  return { block: { kind: 'code', text: lines.slice(at + 1, end).join('\n') }, end: end + 1 };
}

function isClosing(line: string, fence: string): boolean {
  const text = line.trimEnd();
  return text.startsWith(fence) && text === (fence[0] ?? '').repeat(text.length);
}

function readIndented(lines: Lines, at: number): Read | null {
  if (!INDENTED.test(lines[at] ?? '')) return null;
  let end = at + 1;
  while (end < lines.length && (INDENTED.test(lines[end] ?? '') || isBlank(lines[end]))) end += 1;
  const text = lines
    .slice(at, end)
    .map((line) => line.slice(4))
    .join('\n');
  return { block: { kind: 'code', text: text.trimEnd() }, end };
}

function readHeading(lines: Lines, at: number, anchors: Anchors): Read | null {
  const [, marks = '', text] = HEADING.exec(lines[at] ?? '') ?? [];
  if (text === undefined) return null;
  return { block: { kind: 'heading', level: marks.length, text, anchor: anchors(text) }, end: at + 1 };
}

function isTable(lines: Lines, at: number): boolean {
  return TABLE_ROW.test(lines[at] ?? '') && TABLE_RULE.test(lines[at + 1] ?? '');
}

function readTable(lines: Lines, at: number): Read | null {
  if (!isTable(lines, at)) return null;
  const header = cellsOf(lines[at] ?? '');
  let end = at + 2;
  while (TABLE_ROW.test(lines[end] ?? '')) end += 1;
  const rows = lines.slice(at + 2, end).map((line) => {
    const cells = cellsOf(line);
    return header.map((_, column) => cells[column] ?? '');
  });
  return { block: { kind: 'table', header, rows }, end };
}

/** `| a | b \| c |` has two. */
function cellsOf(row: string): readonly string[] {
  return row
    .trim()
    .replace(/^\|/, '')
    .replace(/(?<!\\)\|$/, '')
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim().replaceAll('\\|', '|'));
}

interface Item {
  /** Whether it has a number. */
  readonly isNumbered: boolean;
  readonly number: number;
  /** Where its text begins: what belongs to it is indented as far. */
  readonly indent: number;
}

function itemAt(lines: Lines, at: number): Item | null {
  const [whole, , marker] = ITEM.exec(lines[at] ?? '') ?? [];
  if (whole === undefined || marker === undefined) return null;
  return { isNumbered: /^\d/.test(marker), number: Number.parseInt(marker, 10), indent: whole.length };
}

function readList(lines: Lines, at: number, anchors: Anchors): Read | null {
  const first = itemAt(lines, at);
  if (first === null) return null;
  const items: (readonly Block[])[] = [];
  let isLoose = false;
  let end = at;
  for (let item: Item | null = first; item !== null && item.isNumbered === first.isNumbered;) {
    const read: ItemLines = readItem(lines, end, item.indent);
    items.push(parseLines(read.own, anchors));
    end = read.end;
    item = itemAt(lines, read.next);
    const goesOn: boolean = item !== null && item.isNumbered === first.isNumbered;
    isLoose ||= read.own.some(isBlank) || (goesOn && read.next > read.end);
    if (goesOn) end = read.next;
  }
  const start = first.isNumbered ? first.number : null;
  return { block: { kind: 'list', start, isLoose, items }, end };
}

interface ItemLines {
  /** Its lines, without their indent. */
  readonly own: Lines;
  /** The line after the last of them. */
  readonly end: number;
  /** The next line that is not blank. */
  readonly next: number;
}

function readItem(lines: Lines, at: number, indent: number): ItemLines {
  const own = [(lines[at] ?? '').slice(indent)];
  let end = at + 1;
  let next = end;
  for (; next < lines.length; next += 1) {
    const line = lines[next] ?? '';
    if (isBlank(line)) continue;
    const isIndented = line.startsWith(' '.repeat(indent));
    // A paragraph goes on in a line that is not indented, too.
    const isLazy = next === end && !startsBlock(lines, next) && itemAt(lines, next) === null;
    if (!isIndented && !isLazy) break;
    for (; end < next; end += 1) own.push('');
    own.push(isIndented ? line.slice(indent) : line);
    end = next + 1;
  }
  return { own, end, next };
}

/** Whether a line ends the paragraph before it: a list does where it begins with a point or with 1. */
function startsBlock(lines: Lines, at: number): boolean {
  const line = lines[at] ?? '';
  const item = itemAt(lines, at);
  const startsList = item !== null && (!item.isNumbered || item.number === 1);
  return FENCE.test(line) || HEADING.test(line) || isTable(lines, at) || startsList;
}

function readParagraph(lines: Lines, at: number): Read {
  let end = at + 1;
  while (end < lines.length && !isBlank(lines[end]) && !startsBlock(lines, end)) end += 1;
  const text = lines
    .slice(at, end)
    .map((line) => line.trim())
    .join('\n');
  return { block: { kind: 'paragraph', text }, end };
}
