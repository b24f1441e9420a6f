import { expect, it } from 'vitest';
import type { Probe } from './experiment.ts';
import { observe } from './probes.ts';
import type { Stage } from './stage.ts';

/** A stage whose machine has these strangers; nothing else of it is looked at. */
function stageWith(strangers: {
  readonly started: readonly number[];
  readonly alive: readonly number[];
}): Stage {
  const machine = { strangers: () => strangers, reboot: () => Promise.resolve() };
  return { machine } as unknown as Stage;
}

const held = async (probe: Probe, stage = stageWith({ started: [], alive: [] })): Promise<boolean> =>
  (await observe(probe, 0, stage)).held;

it.each([
  ['2026-01-01T00:00:04.000Z', true],
  ['2026-01-01T00:00:04.001Z', false],
  ['2025-12-31T23:59:59.000Z', false],
])('from midnight to %s it took no longer than 4 s: %s', async (to, expected) => {
  const from = '2026-01-01T00:00:00.000Z';
  expect(await held({ type: 'elapsed', from, to, at_most: 4000 })).toBe(expected);
});

it.each([
  [[5, 9], [9, 5, 12], true],
  [[5, 9], [9], false],
  [[], [], false],
])('strangers %j of which %j run were left alone: %s', async (started, alive, expected) => {
  expect(await held({ type: 'strangers_untouched' }, stageWith({ started, alive }))).toBe(expected);
});
