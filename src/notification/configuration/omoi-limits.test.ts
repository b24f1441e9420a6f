import { expect, it } from 'vitest';
import { maxFlapEpisodes, maxNames, maxRateWindowMs, maxRepeats, maxSteps } from './omoi-schema.ts';
import { problemsIn, withRoute } from './reading.test-support.ts';

const list = (count: number, one: (at: number) => string): string =>
  Array.from({ length: count }, (_, at) => one(at)).join(', ');

const layer = '{ people: [ada], starts_on: 2026-11-30 }';
const ada = 'people: { ada: { receiver: team } }';

it.each<[string, (count: number) => string]>([
  ['people', (count) => `people: { ${list(count, (at) => `p${at}: { receiver: team }`)} }`],
  [
    'escalations',
    (count) => `escalation: { ${list(count, (at) => `e${at}: { steps: [{ receiver: team }] }`)} }`,
  ],
  ['schedules', (count) => `${ada}, on_call: { ${list(count, (at) => `s${at}: { layers: [${layer}] }`)} }`],
  ['layers of a schedule', (count) => `${ada}, on_call: { s: { layers: [${list(count, () => layer)}] } }`],
  ['allowed commands', (count) => `allowed_commands: [${list(count, (at) => `/bin/c${at}`)}]`],
  ['allowed addresses', (count) => `allowed_addresses: [${list(count, (at) => `h${at}.example`)}]`],
])(`of %s there may be ${maxNames}, and no more`, async (_what, keys) => {
  expect(await problemsIn(withRoute(`x-omoi: { ${keys(maxNames)} }\n`))).toEqual([]);
  expect(await problemsIn(withRoute(`x-omoi: { ${keys(maxNames + 1)} }\n`))).toEqual([
    expect.stringContaining(String(maxNames)),
  ]);
});

it(`a ladder is gone through ${maxRepeats} times again, and no more`, async () => {
  const ladder = (repeats: number): string =>
    withRoute(`x-omoi: { escalation: { page: { steps: [{ receiver: team }], repeats: ${repeats} } } }\n`);
  expect(await problemsIn(ladder(maxRepeats))).toEqual([]);
  expect(await problemsIn(ladder(maxRepeats + 1))).toEqual([
    expect.stringContaining(`expected a whole number up to ${maxRepeats}`),
  ]);
});

it(`an alert flaps from ${maxFlapEpisodes} episodes at most`, async () => {
  const route = (episodes: number): string =>
    `route: { receiver: a, x-omoi: { flapping: { episodes: ${episodes}, within: 10m } } }\nreceivers: [{ name: a }]\n`;
  expect(await problemsIn(route(maxFlapEpisodes))).toEqual([]);
  expect(await problemsIn(route(maxFlapEpisodes + 1))).toEqual([
    expect.stringContaining(`expected a whole number up to ${maxFlapEpisodes}`),
  ]);
});

it(`a ladder has ${maxSteps} steps at most`, async () => {
  const ladder = (steps: number): string =>
    withRoute(
      `x-omoi: { escalation: { page: { steps: [${list(steps, (at) => `{ after: ${at + 1}m, receiver: team }`)}] } } }\n`,
    );
  expect(await problemsIn(ladder(maxSteps))).toEqual([]);
  expect(await problemsIn(ladder(maxSteps + 1))).toEqual([expect.stringContaining(String(maxSteps))]);
});

it(`a rate limit is of ${maxRateWindowMs} ms at most`, async () => {
  const limit = (perMs: number): string =>
    withRoute(`    x-omoi: { rate_limit: { messages: 1, per: ${perMs}ms } }\n`);
  expect(await problemsIn(limit(maxRateWindowMs))).toEqual([]);
  expect(await problemsIn(limit(maxRateWindowMs + 1))).toEqual([
    expect.stringContaining('per is at most 12h'),
  ]);
});
