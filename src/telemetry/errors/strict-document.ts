import {
  isMap,
  isPair,
  isScalar,
  LineCounter,
  parseDocument,
  YAMLError,
  type Document,
  type Node,
} from 'yaml';
import type { z } from 'zod';
import { isTooDeep } from './document-depth.ts';
import { OmoiError, type ErrorCode } from './errors.ts';
import { goYamlProblems } from './go-yaml.ts';
import { knownKeys, suggestKey } from './known-keys.ts';
import { listProblems, maxListedProblems } from './listed-problems.ts';
import { scalarsReadBy, type ReadScalar } from './read-by.ts';
import { typeScalars } from './written-scalars.ts';

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
   * `text`: every scalar is read as it is written (`1.10` stays `1.10`) but for a null without quotes, and for truths and
   * numbers without quotes where the schema wants one; merge keys (`<<`) work: as Go programs read a file into typed fields.
   * Otherwise scalars have YAML's types.
   */
  readonly scalars?: 'typed' | 'text';
  /** What is made of documents behind the first one (`---`). Refused where absent. */
  readonly further?: 'refused' | 'ignored';
  /** Whether keys that nobody knows are passed over; else they are mistakes. */
  readonly unknownKeys?: 'ignored';
  /** Where Omoi ships it: the names in it that are switched off. What a person wrote under a name replaces it. */
  readonly shipped?: { readonly disabled: readonly string[] };
}

/** Where something stands in a text: its first line and column, from 1, and its offsets, from 0, the second behind its end. */
export interface TextRange {
  readonly line: number;
  readonly column: number;
  readonly from: number;
  readonly to: number;
}

/** A mistake by the path of what it is about. */
export interface PathProblem {
  readonly path: readonly PropertyKey[];
  readonly message: string;
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
  return openStrictDocument(source, schema, code).accepted();
}

/**
 * A strict document of which more is to be said than its schema can say, all at once.
 * @throws OmoiError with `code` where it is no YAML
 */
export function openStrictDocument<Schema extends z.ZodType>(
  source: DocumentSource,
  schema: Schema,
  code: ErrorCode,
): StrictDocument<Schema> {
  const lines = new LineCounter();
  const document = parseDocument(source.text, {
    lineCounter: lines,
    uniqueKeys: true,
    prettyErrors: false,
    // What is odd and no mistake is not for standard error; what is a mistake the schema says.
    logLevel: 'error',
    ...(source.scalars === 'text' ? { schema: 'failsafe', merge: true } : {}),
  });
  const isFurther = ({ code: kind }: YAMLError): boolean => kind === 'MULTIPLE_DOCS';
  const hasFurther = source.further === 'ignored' && document.errors.some(isFurther);
  const unreadable = document.errors.filter((error) => !hasFurther || !isFurther(error)).map(unreadablePart);
  if (source.scalars === 'text' && unreadable.length === 0)
    unreadable.push(...goYamlProblems(source.text, document));
  if (unreadable.length > 0) {
    const named = unreadable.slice(0, maxListedProblems).map(({ offset, message }) => {
      const at = lines.linePos(offset);
      return { line: at.line, column: at.col, message };
    });
    throw documentError(source.name, code, { named, count: unreadable.length });
  }
  return new StrictDocument(source, code, { document, lines, schema, hasFurther });
}

/** A document that is YAML; whether its schema takes it is said by `accepted`. */
export class StrictDocument<Schema extends z.ZodType> {
  /** As it is written, with the types of scalars that the schema wants, whether or not it takes them; null where nothing is. */
  readonly written: unknown;
  /** Whether another document stands behind this one, and was not read. */
  readonly hasFurther: boolean;
  readonly #source: DocumentSource;
  readonly #code: ErrorCode;
  readonly #place: Place<Schema>;
  /** Of a document of texts. */
  #scalars: readonly ReadScalar[] = [];

  constructor(source: DocumentSource, code: ErrorCode, place: OpenedDocument<Schema>) {
    this.hasFurther = place.hasFurther;
    this.#source = source;
    this.#code = code;
    this.#place = place;
    this.written = this.#read();
  }

  #read(): unknown {
    const value = this.#value();
    if (isTooDeep(value)) this.#refuse(TOO_DEEP);
    return value;
  }

  /** Aliases are expanded here: a few lines of them can stand for more than any memory holds, which is refused. */
  #value(): unknown {
    const { document, schema } = this.#place;
    try {
      if (this.#source.scalars === 'text') {
        this.#scalars = scalarsReadBy(document, schema);
        typeScalars(document, this.#scalars);
      }
      return document.toJS();
    } catch (thrown) {
      return this.#refuse(thrown instanceof Error ? whyUnreadable(thrown) : String(thrown));
    }
  }

  #refuse(message: string): never {
    const named = [{ line: 1, column: 1, message }];
    throw documentError(this.#source.name, this.#code, { named, count: 1 });
  }

  /** Where the scalars of a document of texts stand that are read by a schema of which this is true: `[from, to]`, in their order. */
  rangesReadBy(isMeant: (reader: z.core.$ZodType) => boolean): readonly (readonly [number, number])[] {
    return this.#scalars
      .filter(({ readBy }) => readBy.some(isMeant))
      .flatMap(({ scalar: { range } }) => (range ? [[range[0], range[1]] as const] : []))
      .sort(([a], [b]) => a - b);
  }

  /** Mistakes in the order in which what they are about stands in the text. */
  inOrder(problems: readonly PathProblem[]): readonly PathProblem[] {
    const placed = problems.map((problem) => ({ problem, at: positionOf(this.#place, problem.path) }));
    return placed.sort((a, b) => comparePlaces(a.at, b.at)).map(({ problem }) => problem);
  }

  /** `line:column` of what a path stands for. */
  placeOf(path: readonly PropertyKey[]): string {
    const { line, column } = positionOf(this.#place, path);
    return `${line}:${column}`;
  }

  /** Where the value at a path stands; null where there is none. */
  rangeOf(path: readonly PropertyKey[]): TextRange | null {
    const { document, lines } = this.#place;
    const node = document.getIn(path, true) as Node | undefined;
    if (!node?.range) return null;
    const [from, to] = node.range;
    const { line, col: column } = lines.linePos(from);
    return { line, column, from, to };
  }

  #parsed() {
    const { schema } = this.#place;
    const result = schema.safeParse(this.written ?? {});
    if (result.success || this.#source.unknownKeys !== 'ignored') return result;
    const unknown = result.error.issues.filter((issue) => issue.code === 'unrecognized_keys');
    for (const issue of unknown) removeKeys(this.written, issue);
    return unknown.length > 0 ? schema.safeParse(this.written) : result;
  }

  /**
   * What the schema makes of the document.
   * @param further mistakes that were found besides those of the schema
   * @throws OmoiError, as `parseStrictDocument`
   */
  accepted(further: readonly PathProblem[] = []): z.output<Schema> {
    const result = this.#parsed();
    if (result.success && further.length === 0) return result.data;
    const issues = result.success ? [] : result.error.issues;
    const named: DocumentProblem[] = [];
    let count = further.length;
    for (const issue of issues) {
      count += issue.code === 'unrecognized_keys' ? issue.keys.length : 1;
      const room = maxListedProblems - named.length;
      if (room > 0) named.push(...problemsOf(issue, this.#place, room));
    }
    for (const { path, message } of further.slice(0, maxListedProblems - named.length)) {
      named.push({ ...positionOf(this.#place, path), message: `${about(path)}${message}` });
    }
    if (further.length > 0) named.sort(comparePlaces);
    throw documentError(this.#source.name, this.#code, { named, count });
  }
}

/** Takes the keys of an issue out of a document as it is written. */
function removeKeys(written: unknown, { keys, path }: z.core.$ZodIssueUnrecognizedKeys): void {
  let parent = written;
  for (const step of path) parent = isObject(parent) ? Reflect.get(parent, step) : undefined;
  for (const key of keys) if (isObject(parent)) Reflect.deleteProperty(parent, key);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** Where it is too deep depends on how much stack was left: that says nothing to a person. */
function unreadablePart(error: YAMLError): { readonly offset: number; readonly message: string } {
  const message = whyUnreadable(error);
  return { offset: message === TOO_DEEP ? 0 : error.pos[0], message };
}

const TOO_DEEP = 'lists and maps stand too deep in each other';

function whyUnreadable(error: Error): string {
  if (error instanceof YAMLError && error.code === 'MULTIPLE_DOCS')
    return 'a second document begins here; leave out the `---`, or put it into a file of its own';
  return error.message.startsWith('Maximum call stack size exceeded') ? TOO_DEEP : error.message;
}

/** Where a path stands in a document that can be read: `name:line:column`; of what is missing, its nearest parent. */
export function placeIn({ name, text }: DocumentSource, path: readonly PropertyKey[]): string {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const { line, column } = positionOf({ document, lines }, path);
  return `${name}:${line}:${column}`;
}

interface OpenedDocument<Schema extends z.ZodType> extends Place<Schema> {
  readonly hasFurther: boolean;
}

interface Place<Schema extends z.ZodType = z.ZodType> {
  readonly document: Document.Parsed;
  readonly lines: LineCounter;
  readonly schema: Schema;
}

function problemsOf(issue: z.core.$ZodIssue, place: Place, atMost: number): readonly DocumentProblem[] {
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(place.schema, issue.path);
    return issue.keys.slice(0, atMost).map((key) => ({
      ...positionOf(place, [...issue.path, key]),
      message: `unknown key ${quote([...issue.path, key])}${suggestKey(key, known)}`,
    }));
  }
  return [{ ...positionOf(place, issue.path), message: `${about(issue.path)}${issue.message}` }];
}

function about(path: readonly PropertyKey[]): string {
  return path.length > 0 ? `${quote(path)}: ` : '';
}

interface TextPlace {
  readonly line: number;
  readonly column: number;
}

function comparePlaces(a: TextPlace, b: TextPlace): number {
  return a.line - b.line || a.column - b.column;
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
