import { VirtualClock, messageOf } from '#telemetry';
import {
  ALL_FEATURES,
  createEngine,
  type Engine,
  type MatrixSeries,
  type QueryResult,
  type VectorElement,
} from '#promql';
import { fixedInTime } from './at-variants.ts';
import { Mismatch, compareAnnotations, compareResult, matchesText } from './comparison.ts';
import { parseScript, type EvalCommand } from './script.ts';
import { ScriptStorage } from './script-storage.ts';

export interface Failure {
  readonly line: number;
  readonly query: string;
  readonly problem: string;
}

export interface ScriptReport {
  readonly passed: number;
  readonly failures: readonly Failure[];
}

/** Prometheus's own runner leaves types out. */
const FEATURES = new Set([...ALL_FEATURES].filter((feature) => feature !== 'type-and-unit-labels'));

/** Runs a script and answers how many of its evals hold. */
export async function runScript(text: string): Promise<ScriptReport> {
  const engine = createEngine({ clock: new VirtualClock(), features: FEATURES });
  const storage = new ScriptStorage();
  const failures: Failure[] = [];
  let passed = 0;
  for (const command of parseScript(text)) {
    if (command.kind === 'clear') storage.clear();
    else if (command.kind === 'load') storage.load(command);
    else if (command.kind === 'unreadable') {
      const { line, text: query, problem } = command;
      failures.push({ line, query, problem: `unreadable: ${problem}` });
    } else {
      try {
        await runEval(command, engine, storage);
        passed++;
      } catch (error) {
        const problem = error instanceof Mismatch ? error.message : `crashed: ${stackOf(error)}`;
        failures.push({ line: command.line, query: command.query, problem });
      }
    }
  }
  return { passed, failures };
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

async function runEval(command: EvalCommand, engine: Engine, storage: ScriptStorage): Promise<void> {
  const expectedFailures = command.expectations.filter(({ kind }) => kind === 'fail');
  if (expectedFailures.length > 0) {
    const problem = await failureOf(() => evaluate(command, engine, storage));
    if (problem === null) throw new Mismatch('expected a failure');
    const isExpected = expectedFailures.every((expected) => matchesText(expected, problem));
    if (!isExpected) throw new Mismatch(`failed otherwise: ${problem}`);
    return;
  }
  await holdsAsWritten(command, engine, storage);
  if (command.range) return;
  await holdsAtOtherTimes(command, engine, storage);
  await holdsWithinRange(command, engine, storage);
}

async function holdsAsWritten(command: EvalCommand, engine: Engine, storage: ScriptStorage): Promise<void> {
  const result = await evaluateOrFail(() => evaluate(command, engine, storage));
  compareAnnotations(result, command.expectations);
  compareResult(result, command);
}

/** Fixed by `@`, a query has the same result at any time. */
async function holdsAtOtherTimes(
  command: EvalCommand,
  engine: Engine,
  storage: ScriptStorage,
): Promise<void> {
  const query = fixedInTime(command.query, command.timeMs);
  if (query === null) return;
  const { timeMs } = command;
  const times = timeMs === 0 ? [-1000, 1000] : [-10 * timeMs, 0, Math.trunc(timeMs / 5), 10 * timeMs];
  for (const otherMs of times) {
    const result = await evaluateOrFail(() => engine.prepare(query).instant(storage, otherMs));
    try {
      compareResult(result, command);
    } catch (error) {
      throw new Mismatch(`as ${query} at ${otherMs} ms: ${messageOf(error)}`);
    }
  }
}

/** The middle step of a range query has the result of the instant query. */
async function holdsWithinRange(command: EvalCommand, engine: Engine, storage: ScriptStorage): Promise<void> {
  const isExcluded =
    command.rangeVector !== null ||
    command.text !== null ||
    command.expectations.some(({ kind }) => kind === 'ordered') ||
    /\b(?:start|end|step|range)\(\)/.test(command.query);
  if (isExcluded) return;
  const { timeMs } = command;
  const bounds = { startMs: timeMs - 60_000, endMs: timeMs + 60_000, stepMs: 60_000 };
  const result = await evaluateOrFail(() => engine.prepare(command.query).range(storage, bounds));
  if (result.kind !== 'matrix') throw new Mismatch(`a range query gave a ${result.kind}`);
  const elements = result.series.flatMap((series) => elementAt(series, timeMs));
  const { warnings, infos } = result;
  try {
    const [only] = elements;
    compareResult(
      command.scalar !== null && only
        ? { kind: 'scalar', value: only.value, timestampMs: timeMs, warnings, infos }
        : { kind: 'vector', elements, warnings, infos },
      command,
    );
  } catch (error) {
    throw new Mismatch(`within a range: ${messageOf(error)}`);
  }
}

function elementAt(series: MatrixSeries, timeMs: number): readonly VectorElement[] {
  const at = series.timestampsMs.indexOf(timeMs);
  if (at < 0) return [];
  const histogram = series.histograms?.[at];
  const value = series.values[at] ?? NaN;
  return [{ labels: series.labels, value, timestampMs: timeMs, ...(histogram ? { histogram } : {}) }];
}

function evaluate(
  command: EvalCommand,
  engine: Engine,
  storage: ScriptStorage,
): QueryResult | Promise<QueryResult> {
  const prepared = engine.prepare(command.query);
  return command.range ? prepared.range(storage, command.range) : prepared.instant(storage, command.timeMs);
}

async function evaluateOrFail(run: () => QueryResult | Promise<QueryResult>): Promise<QueryResult> {
  try {
    return await run();
  } catch (error) {
    throw new Mismatch(`failed: ${stackOf(error)}`);
  }
}

async function failureOf(run: () => QueryResult | Promise<QueryResult>): Promise<string | null> {
  try {
    await run();
    return null;
  } catch (error) {
    return messageOf(error);
  }
}
