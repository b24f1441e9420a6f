import { setTimeout as delay } from 'node:timers/promises';
import type { ConnectionPool } from '../load/connection-pool.ts';
import type { History } from './history/history.ts';
import type { Counts } from './event-counts.ts';
import type { MeasuredServer } from './measured-server.ts';
import type { Probes } from './probes.ts';
import { remoteWrite, type Sample } from './samples.ts';

/** What an incident may do and look at while it happens. */
export interface Stage {
  readonly scale: number;
  readonly history: History;
  readonly server: MeasuredServer;
  readonly probes: Probes;
  /** Names nobody who is told of alerts, until an incident writes another one and has it reloaded. */
  readonly routingFile: string;
  /** With an operator's token; from the process of the incident, not of the probes. */
  readonly connections: ConnectionPool;
}

export const NOBODY_IS_TOLD = 'route: {receiver: nobody}\nreceivers: [{name: nobody}]\n';

/** What happened, for the row: how many fired, how long it took, what was answered. */
export type Happened = Readonly<Record<string, number | string | null>>;

export interface Incident {
  readonly name: string;
  /** What there is before: those who will be in trouble report that they are well. */
  readonly prepare?: (stage: Stage) => Promise<void>;
  readonly run: (stage: Stage) => Promise<Happened>;
}

const LOOK_EVERY_MS = 100;
/** What has not happened by then is told as not having happened. */
const PATIENCE_MS = 120_000;
const SAMPLES_PER_WRITE = 500;

/** A count at this scale; at least a few. */
export function scaled(stage: Pick<Stage, 'scale'>, count: number): number {
  return Math.max(5, Math.round(count * stage.scale));
}

/** Shorter, and no probe of a busy machine may be answered meanwhile. */
const SHORTEST_MS = 2000;

/** A duration at this scale, in ms: what only goes on for a while goes on for less in a small run. */
export function scaledMs(stage: Pick<Stage, 'scale'>, ms: number): number {
  return Math.max(Math.min(ms, SHORTEST_MS), scaledRestMs(stage, ms));
}

/** The same for one in which nothing has to be seen. */
export function scaledRestMs(stage: Pick<Stage, 'scale'>, ms: number): number {
  return Math.round(ms * Math.min(1, 4 * stage.scale));
}

/** Seconds until it is so; null when it was not so in time. */
export async function secondsUntil(
  isSo: () => Promise<boolean>,
  patienceMs = PATIENCE_MS,
): Promise<number | null> {
  const startedAt = performance.now();
  while (!(await isSo())) {
    if (performance.now() - startedAt > patienceMs) return null;
    await delay(LOOK_EVERY_MS);
  }
  return Number(((performance.now() - startedAt) / 1000).toFixed(1));
}

/** What was counted since now. */
export async function countsFromNow(
  probes: Probes,
): Promise<(kind: keyof Counts, name: string) => Promise<number>> {
  const before = await probes.counts();
  return async (kind, name) => ((await probes.counts())[kind][name] ?? 0) - (before[kind][name] ?? 0);
}

/** Writes a value to all series of an incident, evenly over `overMs`. */
export async function writeToAll(
  { connections }: Stage,
  series: readonly Omit<Sample, 'value'>[],
  { value, overMs }: { readonly value: number; readonly overMs: number },
): Promise<void> {
  const writes: Promise<unknown>[] = [];
  const startedAt = performance.now();
  for (let from = 0; from < series.length; from += SAMPLES_PER_WRITE) {
    const pauseMs = startedAt + (overMs * from) / series.length - performance.now();
    if (pauseMs > 0) await delay(pauseMs);
    const some = series.slice(from, from + SAMPLES_PER_WRITE);
    writes.push(connections.send(remoteWrite(some.map((one) => ({ ...one, value })))));
  }
  await Promise.all(writes);
}
