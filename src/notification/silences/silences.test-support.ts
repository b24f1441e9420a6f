import { createEventBus, type EventBus } from '#eventbus';
import { openTestStateDatabase, type StateDatabase } from '#storage';
import { createSeededRandom, SelfMetrics, silentLogger, type SystemEvent, VirtualClock } from '#telemetry';
import type { SilenceLookUp } from '../stages/silence-stage.ts';
import { parseMatchers } from '../configuration/matchers/index.ts';
import type { SilenceLimits } from './silence-limits.ts';
import { DEFAULT_SILENCE_LIMITS } from './silence-limits.ts';
import { Silences } from './silences.ts';
import type { SilenceOrder } from './silence-order.ts';

/** There are none. */
export const NO_SILENCES_FOUND: SilenceLookUp = {
  silencesOf: () => [],
  *lookUp() {
    // There is nothing to look up.
  },
};

export const STARTED_AT_MS = Date.UTC(2026, 10, 30, 12);
export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;

/** Silences in a real database, under a clock that moves when it is told to. */
export interface SilencesStage {
  readonly clock: VirtualClock;
  readonly database: StateDatabase;
  readonly bus: EventBus;
  readonly metrics: SelfMetrics;
  silences: Silences;
  /** New ones on the same database, as a new process has it. */
  restart(): Promise<void>;
  /** What of silences has happened: `created 1`, with the silences numbered in the order in which they came. */
  history(): Promise<readonly string[]>;
  events(): Promise<readonly SystemEvent[]>;
  close(): Promise<void>;
}

export async function openSilences(limits: Partial<SilenceLimits> = {}): Promise<SilencesStage> {
  const clock = new VirtualClock(STARTED_AT_MS);
  const random = createSeededRandom(11);
  const logger = silentLogger;
  const database = await openTestStateDatabase(clock);
  const metrics = new SelfMetrics();
  const bus = createEventBus({ database, clock, random, logger, metrics });
  const parts = {
    database,
    bus,
    clock,
    random,
    logger,
    metrics,
    limits: { ...DEFAULT_SILENCE_LIMITS, ...limits },
  };
  const stage: SilencesStage = {
    clock,
    database,
    bus,
    metrics,
    silences: new Silences(parts),
    async restart() {
      await stage.silences.stop();
      stage.silences = new Silences(parts);
      await stage.silences.start();
    },
    events: () => bus.list({ limit: 1000 }),
    async history() {
      const ids: string[] = [];
      return (await stage.events()).map(({ event_type: type, entity_id: id }) => {
        if (!ids.includes(id)) ids.push(id);
        return `${type.split('.').at(-1)} ${ids.indexOf(id) + 1}`;
      });
    },
    async close() {
      await stage.silences.stop();
      await bus.stop();
      await database.close();
    },
  };
  await stage.silences.start();
  return stage;
}

/** An order for a silence of an hour from now on. @param sets each `{alertname="Down"}` */
export function orderOf(sets: string | readonly string[], rest: Partial<SilenceOrder> = {}): SilenceOrder {
  return {
    id: null,
    matcherSets: [sets].flat().map((text) => parseMatchers(text)),
    startsAtMs: null,
    endsAtMs: STARTED_AT_MS + HOUR_MS,
    createdBy: 'ann',
    comment: 'new disks',
    annotations: {},
    by: 'the operator',
    ...rest,
  };
}
