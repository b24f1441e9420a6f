import { afterEach, beforeEach, expect, it } from 'vitest';
import { VirtualClock } from '#telemetry';
import type { StateDatabase } from './database.ts';
import { takeUpState } from './taken-up-state.ts';
import { openTestStateDatabase } from './test-databases.ts';

let clock: VirtualClock;
let state: StateDatabase;
beforeEach(async () => {
  clock = new VirtualClock();
  state = await openTestStateDatabase(clock, 'none');
});
afterEach(() => state.close());

const boots = async () => (await takeUpState(state, clock)).boots?.map(({ bootId }) => bootId);

it('writes down each boot once, when it takes up the state', async () => {
  const startedMs = clock.wallMs();
  expect(await boots()).toEqual(['boot-1']);
  await clock.advance(5000);
  expect((await takeUpState(state, clock)).boots).toEqual([
    { bootId: 'boot-1', bootMs: 0, wallMs: startedMs },
  ]);
  clock.reboot();
  await clock.advance(700);
  expect((await takeUpState(state, clock)).boots).toEqual([
    { bootId: 'boot-1', bootMs: 0, wallMs: startedMs },
    { bootId: 'boot-2', bootMs: 700, wallMs: startedMs + 5700 },
  ]);
});

it('knows the last 32 boots', async () => {
  for (let boot = 1; boot < 40; boot++) {
    await boots();
    clock.reboot();
  }
  const kept = await boots();
  expect([kept?.length, kept?.[0], kept?.at(-1)]).toEqual([32, 'boot-9', 'boot-40']);
  expect(await state.reader.selectFrom('state_boots').selectAll().execute()).toHaveLength(32);
});
