import { expect, it } from 'vitest';
import { VirtualClock } from '#telemetry';
import { RepairRates } from './repair-rate.ts';

const limits = { burst: 4, refillMs: 250 };
const DEMO = ['pool:demo', 'host:web-1'];

/** How long it takes to repair so many, one after the other as soon as there is a token, ms. */
async function repair(count: number, clock: VirtualClock, rates: RepairRates): Promise<number> {
  const startMs = clock.monotonicMs();
  for (let done = 0; done < count; done++) {
    await clock.advance(rates.waitFor(DEMO, limits)?.ms ?? 0);
    expect(rates.waitFor(DEMO, limits)).toBeNull();
    rates.take(DEMO, limits);
  }
  return clock.monotonicMs() - startMs;
}

async function openRates(): Promise<{ clock: VirtualClock; rates: RepairRates }> {
  const clock = new VirtualClock();
  const rates = new RepairRates(clock);
  await clock.advance(120_000);
  return { clock, rates };
}

it.each([
  [4, 0],
  [5, 250],
  [100, 24_000],
])('%s that are ill have begun to be repaired within %s ms', async (count, ms) => {
  const { clock, rates } = await openRates();
  expect(await repair(count, clock, rates)).toBe(ms);
});

it('begins with one after a start of the server, then grows evenly to the full rate', async () => {
  const clock = new VirtualClock();
  const rates = new RepairRates(clock);
  await clock.advance(600_000);
  rates.start();
  const startMs = clock.monotonicMs();
  const tens: number[] = [];
  for (;;) {
    await clock.advance(rates.waitFor(DEMO, limits)?.ms ?? 0);
    const second = (clock.monotonicMs() - startMs) / 1000;
    if (second >= 40) break;
    rates.take(DEMO, limits);
    tens.push(Math.floor(second / 10));
  }
  // Means of the shares 0.25 to 0.5, 0.5 to 0.75, 0.75 to 1, and 1, of 40 in ten seconds.
  const perTen = [0, 1, 2, 3].map((ten) => tens.filter((one) => one === ten).length);
  expect(perTen).toEqual([15, 25, 35, 40]);
});

it('one failure domain takes nothing from another, until the host that both are on has no more', async () => {
  const { clock, rates } = await openRates();
  await repair(4, clock, rates);
  expect(rates.waitFor(DEMO, limits)).toEqual({ domain: 'pool:demo', limits, ms: 250 });
  for (const pool of ['pool:b', 'pool:c', 'pool:d']) {
    for (let at = 0; at < limits.burst; at++) {
      expect(rates.waitFor([pool, 'host:web-1'], limits)).toBeNull();
      rates.take([pool, 'host:web-1'], limits);
    }
  }
  expect(rates.waitFor(['pool:e', 'host:web-1'], limits)).toMatchObject({ domain: 'host:web-1', ms: 63 });
  // The fleet is as wide as the host.
  expect(rates.waitFor(['pool:e', 'host:web-2'], limits)).toMatchObject({ domain: 'the fleet', ms: 63 });
});

it('gives back what a repair had taken that was rolled back', async () => {
  const { rates } = await openRates();
  for (let at = 0; at < limits.burst; at++) rates.take(DEMO, limits);
  rates.giveBack(DEMO, limits);
  expect(rates.waitFor(DEMO, limits)).toBeNull();
});
