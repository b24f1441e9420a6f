import { expect, it } from 'vitest';
import { VirtualClock } from '#telemetry';
import { RepairRates } from './repair-rate.ts';

const limits = { burst: 4, refillMs: 250 };

/** How long it takes to repair so many, one after the other as soon as there is a token, ms. */
async function repair(count: number, clock: VirtualClock, rates: RepairRates): Promise<number> {
  const startMs = clock.monotonicMs();
  for (let done = 0; done < count; done++) {
    await clock.advance(rates.waitMs('pool:demo', limits));
    expect(rates.waitMs('pool:demo', limits)).toBe(0);
    rates.take('pool:demo', limits);
  }
  return clock.monotonicMs() - startMs;
}

it.each([
  [4, 0],
  [5, 250],
  [100, 24_000],
])('%s that are ill have begun to be repaired within %s ms', async (count, ms) => {
  const clock = new VirtualClock();
  const rates = new RepairRates(clock);
  await clock.advance(60_000);
  expect(await repair(count, clock, rates)).toBe(ms);
});

it('begins with one after a start of the server, and the bucket fills in time', async () => {
  const clock = new VirtualClock();
  const rates = new RepairRates(clock);
  expect(await repair(4, clock, rates)).toBe(750);
  await clock.advance(1000);
  expect(await repair(4, clock, rates)).toBe(0);
});

it('one failure domain takes nothing from another', async () => {
  const clock = new VirtualClock();
  const rates = new RepairRates(clock);
  await clock.advance(60_000);
  await repair(4, clock, rates);
  expect(rates.waitMs('pool:demo', limits)).toBe(250);
  expect(rates.waitMs('pool:other', limits)).toBe(0);
});
