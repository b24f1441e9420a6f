import { beforeEach, expect, it } from 'vitest';
import { OmoiError, VirtualClock, type ErrorCode } from '#telemetry';
import { ReloadOnChange } from './reload-on-change.ts';

let clock: VirtualClock;
/** The states of files; those that were read. */
let now: Map<string, string>;
let read: Map<string, string>;
let reloads: string[];
let refusal: ErrorCode | null;
let log: string[];

beforeEach(() => {
  clock = new VirtualClock();
  now = new Map([
    ['a.yml', '1'],
    ['b.yml', '1'],
  ]);
  read = new Map(now);
  reloads = [];
  refusal = null;
  log = [];
  const write = (fields: unknown, message?: string): void => void log.push(String(message));
  new ReloadOnChange({
    clock,
    logger: { info: write, warn: write },
    settleMs: 1000,
    changed: () => Promise.resolve(new Map([...now].filter(([path, state]) => read.get(path) !== state))),
    reload() {
      reloads.push([...now.values()].join(','));
      if (refusal === 'database_failed') return Promise.reject(new OmoiError(refusal, 'down'));
      read = new Map(now);
      return refusal === null ? Promise.resolve() : Promise.reject(new OmoiError(refusal, 'broken'));
    },
  }).start();
});

it('reloads once when the files have stood still, and not while they are written', async () => {
  for (const state of ['2', '3', '4']) {
    now.set('a.yml', state);
    await clock.advance(700);
    now.set('b.yml', state);
    await clock.advance(700);
  }
  expect(reloads).toEqual([]);
  await clock.advance(2500);
  expect(reloads).toEqual(['4,4']);
  await clock.advance(120_000);
  expect(reloads).toHaveLength(1);
});

it('asks once about files that are refused, and again when they change', async () => {
  refusal = 'rule_file_invalid';
  now.set('a.yml', 'broken');
  await clock.advance(120_000);
  expect(reloads).toEqual(['broken,1']);
  refusal = null;
  now.set('a.yml', 'good');
  await clock.advance(5000);
  expect(reloads).toEqual(['broken,1', 'good,1']);
});

it('tries again where something else than the files was in the way', async () => {
  refusal = 'database_failed';
  now.set('a.yml', '2');
  await clock.advance(30_000);
  expect(reloads.length).toBeGreaterThan(1);
  refusal = null;
  await clock.advance(30_000);
  const tried = reloads.length;
  await clock.advance(60_000);
  expect(reloads).toHaveLength(tried);
});

it('says once that files do not come to rest', async () => {
  for (let second = 0; second < 200; second++) {
    now.set('a.yml', String(second));
    await clock.advance(500);
  }
  expect(reloads).toEqual([]);
  expect(log).toEqual([expect.stringContaining('without standing still')]);
});
