import { setTimeout as delay } from 'node:timers/promises';
import { OmoiError, parseDuration } from '#telemetry';
import { askQuery, askRange } from './query/ask.ts';
import type { QueryAnswer } from './query/answer.ts';
import { chartOf } from './query/chart.ts';
import { withExtremes } from './query/extremes.ts';
import { placeOf } from './query/error-place.ts';
import { samplesTable, vectorTable } from './query/table.ts';
import { isGone } from './follow-asked.ts';
import { serverOf, type FollowFlags } from './server-client.ts';
import { aside } from './terminal/aside.ts';
import { wantsColours } from './terminal/colours.ts';
import { note, printLines } from './terminal/print.ts';
import { RedrawnLines } from './terminal/redrawn-lines.ts';

export interface QueryFlags extends FollowFlags {
  readonly range?: string;
  readonly step?: string;
  readonly time?: string;
}

const DEFAULT_WIDTH = 80;
const MAX_WIDTH = 160;
/** A shorter step shows nothing more: collectors write no more often unless something changes. */
const MIN_DEFAULT_STEP_MS = 1000;
/** How often what is followed is asked for where nobody says it: as often as somebody looks. */
const ASK_AGAIN_MS = 5000;

/** `omoi query`: a table of what an expression is now, or a chart of how it came there. */
export async function query(expression: string, flags: QueryFlags): Promise<void> {
  try {
    if (flags.follow === true) return await followQuery(expression, flags);
    const { lines, notes } = await askOnce(expression, flags);
    printLines(lines);
    notes.forEach(note);
  } catch (thrown) {
    if (thrown instanceof OmoiError && thrown.code === 'query_invalid') {
      placeOf(expression, thrown.message).forEach(aside);
    }
    throw thrown;
  }
}

/** Asks again and again: a terminal shows the newest answer, a pipe gets each one that differs from the one before. */
async function followQuery(expression: string, flags: QueryFlags): Promise<never> {
  if (flags.time !== undefined)
    throw new OmoiError('invalid_request', '--time: what is followed is the present; leave out -f or --time');
  const everyMs = flags.step === undefined ? ASK_AGAIN_MS : readDuration('--step', flags.step);
  const shown = new RedrawnLines(process.stdout);
  const said = new Set<string>();
  const tell = (text: string): void => {
    note(text);
    shown.keep();
  };
  let isAway = false;
  for (let isFirst = true; ; isFirst = false) {
    try {
      const { lines, notes } = await askOnce(expression, flags);
      if (isAway) tell('the server is back');
      isAway = false;
      shown.show(lines);
      for (const text of notes.filter((one) => !said.has(one))) tell(text);
      notes.forEach((text) => said.add(text));
    } catch (thrown) {
      if (isFirst || !isGone(thrown)) throw thrown;
      if (!isAway) tell('the server has gone; waiting for it …');
      isAway = true;
    }
    await delay(everyMs);
  }
}

interface Told {
  readonly lines: readonly string[];
  /** What the engine says of the expression. */
  readonly notes: readonly string[];
}

async function askOnce(expression: string, flags: QueryFlags): Promise<Told> {
  const server = serverOf(flags);
  const endMs = flags.time === undefined ? Date.now() : readTime(flags.time);
  if (flags.range === undefined) {
    const answer = await askQuery(server, 'query', { query: expression, time: String(endMs / 1000) });
    return told(answer, flags, linesOf);
  }
  // A terminal that does not know its width says 0.
  const width = Math.min(process.stdout.columns || DEFAULT_WIDTH, MAX_WIDTH);
  const rangeMs = readDuration('--range', flags.range);
  const stepMs = flags.step === undefined ? stepFor(rangeMs, width) : readDuration('--step', flags.step);
  const startMs = endMs - rangeMs;
  const range = { startMs, endMs, stepMs };
  const answer = await askRange(server, expression, range);
  if (flags.json === true || answer.data.resultType !== 'matrix') return told(answer, flags, linesOf);
  const series = await withExtremes(answer.data.result, { server, expression, ...range });
  const colours = wantsColours(process.stdout);
  return told(answer, flags, () => chartOf(series, { ...range, width, colours }));
}

function told(
  answer: QueryAnswer,
  { json }: QueryFlags,
  draw: (answer: QueryAnswer) => readonly string[],
): Told {
  if (json === true) return { lines: [JSON.stringify(answer)], notes: [] };
  return { lines: draw(answer), notes: [...(answer.warnings ?? []), ...(answer.infos ?? [])] };
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
