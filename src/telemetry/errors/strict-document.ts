import {
  isMap,
  isPair,
  isScalar,
  LineCounter,
  parseDocument,
  visit,
  YAMLError,
  type Document,
  type Node,
} from 'yaml';
import type { z } from 'zod';
import { OmoiError, type ErrorCode } from './errors.ts';
import { knownKeys, suggestKey } from './known-keys.ts';
import { listProblems, maxListedProblems } from './listed-problems.ts';

/** A mistake in a document a person wrote; line and column count from 1. */
export interface DocumentProblem {
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

export interface DocumentSource {
  /** What messages call the document: a file name. */
  readonly name: string;
  readonly text: string;
  /**
   * `text`: every scalar is read as it is written (`1.10` stays `1.10`) but for a null without quotes, and merge keys
   * (`<<`) work, as Go programs read a file into text fields. Otherwise scalars have YAML's types.
   */
  readonly scalars?: 'typed' | 'text';
  /** With `text`: the keys of the fields that are numbers all the same, where no quotes make them texts. */
  readonly numberKeys?: readonly string[];
  /** Where Omoi ships it: the names in it that are switched off. What a person wrote under a name replaces it. */
  readonly shipped?: { readonly disabled: readonly string[] };
}

/**
 * Parses a YAML (or JSON) document strictly: duplicate and unknown keys are errors, with a suggestion where a
 * known key is close. All problems are found in one go; the first `maxListedProblems` are named.
 * @throws OmoiError with `code`; the message is `name:line:column: problem` for each that is named, `details.problems` the
 *   list of these, `details.problem_count` how many there are in all
 */
export function parseStrictDocument<Schema extends z.ZodType>(
  source: DocumentSource,
  schema: Schema,
  code: ErrorCode,
): z.output<Schema> {
  const lines = new LineCounter();
  const document = parseDocument(source.text, {
    lineCounter: lines,
    uniqueKeys: true,
    prettyErrors: false,
    ...(source.scalars === 'text' ? { schema: 'failsafe', merge: true } : {}),
  });
  const { errors } = document;
  if (errors.length > 0) {
    const named = errors.slice(0, maxListedProblems).map((error) => {
      const at = lines.linePos(error.pos[0]);
      return { line: at.line, column: at.col, message: whyUnreadable(error) };
    });
    throw documentError(source.name, code, { named, count: errors.length });
  }
  if (source.scalars === 'text') resolvePlainScalars(document, source.numberKeys ?? []);
  const result = schema.safeParse(valueOf(document, source.name, code) ?? {});
  if (result.success) return result.data;
  const place = { document, lines, schema };
  const named: DocumentProblem[] = [];
  let count = 0;
  for (const issue of result.error.issues) {
    count += issue.code === 'unrecognized_keys' ? issue.keys.length : 1;
    const room = maxListedProblems - named.length;
    if (room > 0) named.push(...problemsOf(issue, place, room));
  }
  throw documentError(source.name, code, { named, count });
}

/** Aliases are expanded here: a few lines of them can stand for more than any memory holds, which is refused. */
function valueOf(document: Document.Parsed, name: string, code: ErrorCode): unknown {
  try {
    return document.toJS();
  } catch (thrown) {
    const message = thrown instanceof Error ? whyUnreadable(thrown) : String(thrown);
    throw documentError(name, code, { named: [{ line: 1, column: 1, message }], count: 1 });
  }
}

function whyUnreadable(error: Error): string {
  if (error instanceof YAMLError && error.code === 'MULTIPLE_DOCS')
    return 'a second document begins here; leave out the `---`, or put it into a file of its own';
  return error.message.startsWith('Maximum call stack size exceeded')
    ? 'lists and maps stand too deep in each other'
    : error.message;
}

const NULLS: ReadonlySet<string> = new Set(['', '~', 'null', 'Null', 'NULL']);
const WHOLE_NUMBER = /^([-+]?)(0b[01_]+|0o[0-7_]+|0x[0-9a-fA-F_]+|0[0-7_]*|[1-9][0-9_]*)$/;
const FLOAT = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;

/** Gives what stands without quotes the type that Go's YAML gives it: null, and numbers where they are wanted. */
function resolvePlainScalars(document: Document.Parsed, numberKeys: readonly string[]): void {
  visit(document, {
    Scalar: (key, scalar, path) => {
      if (scalar.type !== 'PLAIN' || scalar.tag !== undefined || key === 'key') return;
      const text = typeof scalar.value === 'string' ? scalar.value : '';
      const pair = path.at(-1);
      const name = isPair(pair) && isScalar(pair.key) ? String(pair.key.value) : null;
      if (NULLS.has(text)) scalar.value = null;
      else if (name !== null && numberKeys.includes(name)) scalar.value = numberOf(text) ?? text;
    },
  });
}

function numberOf(text: string): number | null {
  const whole = WHOLE_NUMBER.exec(text);
  if (!whole) return FLOAT.test(text) ? Number(text) : null;
  const digits = (whole[2] ?? '').replaceAll('_', '');
  const isOctal = /^0[0-7]+$/.test(digits);
  const size = Number(isOctal ? `0o${digits}` : digits);
  return whole[1] === '-' ? -size : size;
}

/** Where a path stands in a document that can be read: `name:line:column`; of what is missing, its nearest parent. */
export function placeIn({ name, text }: DocumentSource, path: readonly PropertyKey[]): string {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const { line, column } = positionOf({ document, lines }, path);
  return `${name}:${line}:${column}`;
}

interface Place {
  readonly document: Document.Parsed;
  readonly lines: LineCounter;
  readonly schema: z.ZodType;
}

function problemsOf(issue: z.core.$ZodIssue, place: Place, atMost: number): readonly DocumentProblem[] {
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(place.schema, issue.path);
    return issue.keys.slice(0, atMost).map((key) => ({
      ...positionOf(place, [...issue.path, key]),
      message: `unknown key ${quote([...issue.path, key])}${suggestKey(key, known)}`,
    }));
  }
  const where = issue.path.length > 0 ? `${quote(issue.path)}: ` : '';
  return [{ ...positionOf(place, issue.path), message: `${where}${issue.message}` }];
}

interface Problems {
  readonly named: readonly DocumentProblem[];
  readonly count: number;
}

function documentError(name: string, code: ErrorCode, { named, count }: Problems): OmoiError {
  const lines = named.map(({ line, column, message }) => `${name}:${line}:${column}: ${message}`);
  return new OmoiError(code, listProblems(lines, count), {
    file: name,
    problems: named,
    problem_count: count,
  });
}

function quote(path: readonly PropertyKey[]): string {
  return `"${path.map(String).join('.')}"`;
}

/** Where the key (or, in lists, the item) at a path stands; for what is missing, its nearest parent. */
function positionOf(
  place: Omit<Place, 'schema'>,
  path: readonly PropertyKey[],
): { line: number; column: number } {
  for (let length = path.length; length >= 0; length--) {
    const offset = offsetAt(place.document, path.slice(0, length));
    if (offset !== null) {
      const at = place.lines.linePos(offset);
      return { line: at.line, column: at.col };
    }
  }
  return { line: 1, column: 1 };
}

function offsetAt(document: Document.Parsed, path: readonly PropertyKey[]): number | null {
  const last = path.at(-1);
  if (last === undefined) return document.contents?.range?.[0] ?? null;
  const parent =
    path.length === 1 ? document.contents : (document.getIn(path.slice(0, -1), true) as Node | undefined);
  if (isMap(parent)) {
    const pair = parent.items.find(
      (item) => isPair(item) && isScalar(item.key) && String(item.key.value) === last,
    );
    const key = pair?.key;
    return isScalar(key) ? (key.range?.[0] ?? null) : null;
  }
  const node = document.getIn(path, true) as Node | undefined;
  return node?.range?.[0] ?? null;
}
