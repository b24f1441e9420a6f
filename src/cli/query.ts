import { OmoiError, parseDuration } from '#telemetry';
import { askQuery, askRange } from './query/ask.ts';
import type { QueryAnswer } from './query/answer.ts';
import { chartOf } from './query/chart.ts';
import { withExtremes } from './query/extremes.ts';
import { placeOf } from './query/error-place.ts';
import { samplesTable, vectorTable } from './query/table.ts';
import { serverOf } from './server-client.ts';
import { wantsColours } from './terminal/colours.ts';

export interface QueryFlags {
  readonly range?: string;
  readonly step?: string;
  readonly time?: string;
  readonly json?: boolean;
  readonly url?: string;
  readonly dataDirectory?: string;
}

const DEFAULT_WIDTH = 80;
const MAX_WIDTH = 160;
/** A shorter step shows nothing more: collectors write no more often unless something changes. */
const MIN_DEFAULT_STEP_MS = 1000;

/** `omoi query`: a table of what an expression is now, or a chart of how it came there. */
export async function query(expression: string, flags: QueryFlags): Promise<void> {
  try {
    await answerQuery(expression, flags);
  } catch (thrown) {
    if (thrown instanceof OmoiError && thrown.code === 'query_invalid') {
      for (const line of placeOf(expression, thrown.message)) process.stderr.write(`${line}\n`);
    }
    throw thrown;
  }
}

async function answerQuery(expression: string, flags: QueryFlags): Promise<void> {
  const server = serverOf(flags);
  const endMs = flags.time === undefined ? Date.now() : readTime(flags.time);
  if (flags.range === undefined) {
    const answer = await askQuery(server, 'query', { query: expression, time: String(endMs / 1000) });
    return tell(answer, flags, () => linesOf(answer));
  }
  // A terminal that does not know its width says 0.
  const width = Math.min(process.stdout.columns || DEFAULT_WIDTH, MAX_WIDTH);
  const rangeMs = readDuration('--range', flags.range);
  const stepMs = flags.step === undefined ? stepFor(rangeMs, width) : readDuration('--step', flags.step);
  const startMs = endMs - rangeMs;
  const range = { startMs, endMs, stepMs };
  const answer = await askRange(server, expression, range);
  if (flags.json === true || answer.data.resultType !== 'matrix') {
    return tell(answer, flags, () => linesOf(answer));
  }
  const series = await withExtremes(answer.data.result, { server, expression, ...range });
  const colours = wantsColours(process.stdout);
  tell(answer, flags, () => chartOf(series, { ...range, width, colours }));
}

function tell(answer: QueryAnswer, flags: QueryFlags, lines: () => readonly string[]): void {
  if (flags.json === true) {
    process.stdout.write(`${JSON.stringify(answer)}\n`);
    return;
  }
  process.stdout.write(`${lines().join('\n')}\n`);
  for (const note of [...(answer.warnings ?? []), ...(answer.infos ?? [])]) {
    process.stderr.write(`omoi: ${note}\n`);
  }
}

function linesOf({ data }: QueryAnswer): readonly string[] {
  switch (data.resultType) {
    case 'scalar':
    case 'string':
      return [data.result[1]];
    case 'vector':
      return data.result.length === 0 ? ['no series'] : vectorTable(data.result);
    case 'matrix':
      return data.result.length === 0 ? ['no series'] : samplesTable(data.result);
  }
}

/** About a point a dot of the chart, in whole seconds. */
function stepFor(rangeMs: number, width: number): number {
  return Math.max(MIN_DEFAULT_STEP_MS, Math.ceil(rangeMs / (2 * width) / 1000) * 1000);
}

function readDuration(flag: string, text: string): number {
  const durationMs = parseDuration(text) ?? Number(text) * 1000;
  if (durationMs > 0) return durationMs;
  throw new OmoiError('invalid_request', `${flag}: "${text}" is no duration; write 90s, 15m, 1h30m, 2d`);
}

function readTime(text: string): number {
  const seconds = Number(text);
  const timeMs = Number.isFinite(seconds) && text.trim() !== '' ? seconds * 1000 : Date.parse(text);
  if (!Number.isNaN(timeMs)) return timeMs;
  throw new OmoiError('invalid_request', `--time: "${text}" is neither RFC 3339 nor Unix seconds`);
}
