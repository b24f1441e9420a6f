import { afterEach, beforeEach, expect, it } from 'vitest';
import { createEventBus, type EventBus } from '#eventbus';
import { openTestStateDatabase, type StateDatabase } from '#storage';
import { createSeededRandom, SelfMetrics, silentLogger, VirtualClock } from '#telemetry';
import { maxOnCallOverrides, maxOverrideMs, OnCallOverrides } from './on-call-overrides.ts';

let clock: VirtualClock;
let database: StateDatabase;
let bus: EventBus;
let overrides: OnCallOverrides;
beforeEach(async () => {
  clock = new VirtualClock();
  database = await openTestStateDatabase(clock, 'none');
  const base = { database, clock, random: createSeededRandom(3) };
  bus = createEventBus({ ...base, logger: silentLogger, metrics: new SelfMetrics() });
  overrides = new OnCallOverrides({ ...base, bus });
  await overrides.start();
});
afterEach(async () => {
  await bus.stop();
  await database.close();
});

const add = (forMs: number) =>
  overrides.add({
    schedule: 'infra',
    person: 'ada',
    startsAtMs: null,
    endsAtMs: clock.wallMs() + forMs,
    comment: '',
    by: 'test',
  });

it('an override lasts 366 days at most', async () => {
  expect((await add(maxOverrideMs)).person).toBe('ada');
  await expect(add(maxOverrideMs + 1)).rejects.toMatchObject({
    code: 'invalid_override',
    message: expect.stringContaining('366 days'),
  });
});

it(`${maxOnCallOverrides} overrides are there at a time: those that are over make room`, async () => {
  await add(1_000);
  for (let at = 1; at < maxOnCallOverrides; at++) await add(60_000);
  await expect(add(60_000)).rejects.toMatchObject({
    code: 'invalid_override',
    message: expect.stringContaining(`${maxOnCallOverrides} overrides`),
  });
  await clock.advance(1_000);
  await add(60_000);
  await expect(add(60_000)).rejects.toMatchObject({ code: 'invalid_override' });
});

it('of several the newest counts, of those that may', async () => {
  const first = await add(60_000);
  await clock.advance(1);
  const second = await add(60_000);
  const nowMs = clock.wallMs();
  expect(overrides.at('infra', nowMs, () => true)?.id).toBe(second.id);
  expect(overrides.at('infra', nowMs, ({ id }) => id !== second.id)?.id).toBe(first.id);
});
