import { createHistogram } from 'node:perf_hooks';
import { expect, it } from 'vitest';
import { SelfMetrics, VirtualClock } from '#telemetry';
import { EventLoopLag, watchEventLoop } from './event-loop.ts';

it('tells the lag of the present window and of the one before, whoever else reads', async () => {
  const clock = new VirtualClock();
  const delays = createHistogram({ figures: 4 });
  const lag = new EventLoopLag(clock, delays);
  expect(lag.read()).toEqual({ p50: 0, p99: 0, longest: 0 });
  // The timer itself comes every 50 ms.
  for (const ms of [50, 50, 50, 55, 1550]) delays.record(ms * 1e6);
  expect(lag.read().p50).toBeCloseTo(0, 3);
  expect(lag.read().longest).toBeCloseTo(1.5, 2);
  await clock.advance(30_000);
  expect(lag.read().longest).toBeCloseTo(1.5, 2);
  delays.record(80e6);
  expect(lag.read().longest).toBeCloseTo(1.5, 2);
  await clock.advance(30_000);
  lag.read();
  expect(lag.read()).toMatchObject({
    p50: expect.closeTo(0.03, 3) as number,
    longest: expect.closeTo(0.03, 3) as number,
  });
});

it('measures the event loop of this process', async () => {
  const metrics = new SelfMetrics();
  const watch = watchEventLoop(metrics, new VirtualClock());
  const longest = (): number =>
    metrics.collect().find(({ name }) => name === 'omoi_event_loop_longest_stretch_seconds')?.points[0]
      ?.value ?? Number.NaN;
  const turn = (): Promise<void> => new Promise((resolve) => void setTimeout(resolve, 0));
  // The timer's first run only begins to measure.
  for (let heldMs = 100; longest() < 0.1; heldMs += 100) {
    await turn();
    const until = performance.now() + heldMs;
    while (performance.now() < until);
    await turn();
  }
  watch.stop();
  expect(longest()).toBeGreaterThanOrEqual(0.1);
});
