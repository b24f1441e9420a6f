import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MIGRATIONS, openStateDatabase, openTelemetryDatabase } from '#storage';
import { createSystemClock, silentLogger, type Clock } from '#telemetry';
import { writePastSeries } from './past-series.ts';
import { writePastSpans } from './past-spans.ts';
import { writePastState } from './past-state.ts';
import { SeededColumns } from './seeded-rows.ts';
import type { Size } from './size.ts';

/** Raised when what is written here changes; new migrations make a new history by themselves. */
const VERSION = 1;
const SEED = 20_261_127;
const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
/** Older than twice the window of the head, so that even a series with one sample leaves memory at once. */
const SERIES_AGE_MS = 5 * HOUR_MS;

export interface History {
  readonly directory: string;
  readonly spans: number;
  /** The wall clock when it was written: its newest event is this old. */
  readonly writtenAtMs: number;
  /** How long writing took; null where it was there already. */
  readonly generatedMs: number | null;
}

/** The history of this size, written once and kept in `OMOI_BENCH_CACHE` (the temporary directory where unset). */
export async function historyOf(size: Size): Promise<History> {
  const cache = process.env['OMOI_BENCH_CACHE'] ?? join(tmpdir(), 'omoi-bench-cache');
  const directory = join(cache, `incident-${size.scale}-${keyOf(size)}`);
  const about = join(directory, 'history.json');
  if (existsSync(about)) {
    const { writtenAtMs } = JSON.parse(readFileSync(about, 'utf8')) as { writtenAtMs: number };
    return { directory, spans: size.spans, writtenAtMs, generatedMs: null };
  }
  const partial = `${directory}.partial-${process.pid}`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true });
  const writtenAtMs = Date.now();
  const startedAt = performance.now();
  await write(partial, size, writtenAtMs);
  writeFileSync(join(partial, 'history.json'), JSON.stringify({ writtenAtMs, size }));
  rmSync(directory, { recursive: true, force: true });
  renameSync(partial, directory);
  return {
    directory,
    spans: size.spans,
    writtenAtMs,
    generatedMs: Math.round(performance.now() - startedAt),
  };
}

/** A data directory of its own for one run; shares blocks with the history where the file system can. */
export function copyOf(history: History, to: string): void {
  execFileSync('cp', ['-r', '--reflink=auto', history.directory, to]);
  // Else the system writes gigabytes of it to the disk while the server's commits are measured.
  execFileSync('sync', ['-f', to]);
  rmSync(join(to, 'history.json'));
}

function keyOf(size: Size): string {
  const names = MIGRATIONS.map(({ name }) => name);
  return createHash('sha256')
    .update(JSON.stringify({ VERSION, SEED, size, names }))
    .digest('hex')
    .slice(0, 12);
}

async function write(directory: string, size: Size, nowMs: number): Promise<void> {
  const clock = createSystemClock();
  const columns = new SeededColumns(SEED);
  const time = { fromMs: nowMs - size.days * DAY_MS, toMs: nowMs };
  const options = { directory, clock, logger: silentLogger, role: 'server' } as const;
  const state = await openStateDatabase(options);
  await writePastState({
    database: state,
    columns,
    ...time,
    remediations: size.remediations,
    events: size.events,
  });
  await state.close();
  const telemetry = await openTelemetryDatabase(options);
  await writePastSpans({ database: telemetry, columns, count: size.spans, ...time });
  await writePastSeries({
    directory,
    database: telemetry,
    count: size.churnedSeries,
    clock: behind(clock, SERIES_AGE_MS),
  });
  await telemetry.close();
}

function behind(clock: Clock, byMs: number): Clock {
  return {
    wallMs: () => clock.wallMs() - byMs,
    monotonicMs: () => clock.monotonicMs(),
    cpuMs: () => clock.cpuMs(),
    bootMs: () => clock.bootMs(),
    bootId: clock.bootId,
    after: (delayMs, run) => clock.after(delayMs, run),
    every: (periodMs, run) => clock.every(periodMs, run),
  };
}
