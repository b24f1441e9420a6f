import { messageOf, parseDuration } from '#telemetry';
import { parseExpression, parseSeriesLine, type NotedSeries } from '#promql';
import { parseGoNumber } from './go-number.ts';
import { parseLoadedSeries, type LoadedSeries } from './start-timestamps.ts';

/** What an `expect` line asks for. Without message and pattern, anything will do. */
export interface Expectation {
  readonly kind: 'fail' | 'warn' | 'info' | 'no_warn' | 'no_info' | 'ordered';
  readonly message: string | null;
  readonly pattern: RegExp | null;
}

export interface LoadCommand {
  readonly kind: 'load';
  readonly line: number;
  readonly stepMs: number;
  readonly withCustomBuckets: boolean;
  readonly series: readonly LoadedSeries[];
}

export interface EvalCommand {
  readonly kind: 'eval';
  readonly line: number;
  readonly query: string;
  /** An instant, unless `range` is given. */
  readonly timeMs: number;
  readonly range: { readonly startMs: number; readonly endMs: number; readonly stepMs: number } | null;
  readonly expectations: readonly Expectation[];
  readonly scalar: number | null;
  readonly text: string | null;
  /** The times of an expected range vector. */
  readonly rangeVector: { readonly startMs: number; readonly stepMs: number } | null;
  readonly series: readonly NotedSeries[];
}

/** What can't be read: the commands behind it are run all the same. */
export interface UnreadableCommand {
  readonly kind: 'unreadable';
  readonly line: number;
  readonly text: string;
  readonly problem: string;
}

export type Command =
  | LoadCommand
  | EvalCommand
  | UnreadableCommand
  | { readonly kind: 'clear'; readonly line: number };

const LOAD = /^load(_with_nhcb)?\s+(\S+)$/;
const INSTANT = /^eval(?:_(fail|warn|ordered|info))?\s+instant\s+(?:at\s+(\S+)\s+)?(.+)$/;
const RANGE = /^eval(?:_(fail|warn|info))?\s+range\s+from\s+(\S+)\s+to\s+(\S+)\s+step\s+(\S+)\s+(.+)$/;
const EXPECT = /^expect\s+(ordered|fail|warn|no_warn|info|no_info)(?:\s+(regex|msg):(.+))?$/;
const RANGE_VECTOR = /^expect range vector\s+from\s+(\S+)\s+to\s+(\S+)\s+step\s+(\S+)$/;

/** Reads a script. A command ends at an empty line or a comment; an eval also behind what can only come last. */
export function parseScript(text: string): readonly Command[] {
  const lines = text.split('\n').map((line) => (line.trim().startsWith('#') ? '' : line.trim()));
  const commands: Command[] = [];
  for (let at = 0; at < lines.length; at++) {
    const head = lines[at] ?? '';
    if (head === '') continue;
    const line = at + 1;
    const body: string[] = [];
    while (!endsCommand(head, body.at(-1)) && (lines[at + 1] ?? '') !== '') body.push(lines[++at] ?? '');
    try {
      commands.push(parseCommand(head, body, line));
    } catch (error) {
      commands.push({ kind: 'unreadable', line, text: head, problem: messageOf(error) });
    }
  }
  return commands;
}

/** Whether the next command may follow without an empty line. */
function endsCommand(head: string, last: string | undefined): boolean {
  if (head === 'clear') return true;
  if (last === undefined || !head.startsWith('eval')) return false;
  return last.startsWith('expected_fail_') || parseGoNumber(last) !== null;
}

function parseCommand(head: string, body: readonly string[], line: number): Command {
  if (head === 'clear') return { kind: 'clear', line };
  const load = LOAD.exec(head);
  if (load) {
    return {
      kind: 'load',
      line,
      stepMs: durationMs(load[2]),
      withCustomBuckets: load[1] !== undefined,
      series: parseLoadedSeries(body),
    };
  }
  const instant = INSTANT.exec(head);
  if (instant) {
    const [, mode, time = '0', query = ''] = instant;
    return withBody({ line, query, timeMs: durationMs(time), range: null }, mode, body);
  }
  const range = RANGE.exec(head);
  if (!range) throw new Error(`no command: ${head}`);
  const [, mode, from, to, step, query = ''] = range;
  const bounds = { startMs: durationMs(from), endMs: durationMs(to), stepMs: durationMs(step) };
  return withBody({ line, query, timeMs: bounds.startMs, range: bounds }, mode, body);
}

function withBody(
  head: Pick<EvalCommand, 'line' | 'query' | 'timeMs' | 'range'>,
  mode: string | undefined,
  body: readonly string[],
): EvalCommand {
  const expectations: Expectation[] = [];
  if (mode !== undefined) expectations.push(expectation(mode, undefined, undefined));
  const series: NotedSeries[] = [];
  let scalar: number | null = null;
  let text: string | null = null;
  let rangeVector: EvalCommand['rangeVector'] = null;
  for (const row of body) {
    const expected = EXPECT.exec(row);
    const vector = RANGE_VECTOR.exec(row);
    const number = parseGoNumber(row);
    if (vector) rangeVector = { startMs: durationMs(vector[1]), stepMs: durationMs(vector[3]) };
    else if (row.startsWith('expect string ')) text = unquote(row.slice('expect string '.length));
    else if (expected) expectations.push(expectation(expected[1] ?? '', expected[2], expected[3]));
    else if (row.startsWith('expected_fail_message')) {
      expectations.push(expectation('fail', 'msg', row.slice('expected_fail_message'.length)));
    } else if (row.startsWith('expected_fail_regexp')) {
      expectations.push(expectation('fail', 'regex', row.slice('expected_fail_regexp'.length)));
    } else if (number !== null) scalar = number;
    else series.push(parseSeriesLine(row));
  }
  return { kind: 'eval', ...head, expectations, scalar, text, rangeVector, series };
}

function expectation(kind: string, how: string | undefined, what: string | undefined): Expectation {
  return {
    // The patterns above let no other kind through.
    kind: kind as Expectation['kind'],
    message: how === 'msg' ? (what ?? '').trim() : null,
    pattern: how === 'regex' ? new RegExp((what ?? '').trim()) : null,
  };
}

/** A quoted string means in a script what it means in a query. */
function unquote(literal: string): string {
  const expression = parseExpression(literal);
  if (expression.kind !== 'string') throw new Error(`no quoted string: ${literal}`);
  return expression.value;
}

/** A duration, or a bare number of seconds. */
function durationMs(text = ''): number {
  const sign = text.startsWith('-') ? -1 : 1;
  const bare = text.replace(/^-/, '');
  const parsed = parseDuration(bare) ?? (/^\d+$/.test(bare) ? Number(bare) * 1000 : null);
  if (parsed === null) throw new Error(`no duration: ${text}`);
  return sign * parsed;
}
