import { expect, it } from 'vitest';
import type { GaugePoint } from '#telemetry';
import { openStage } from '../monitor.test-support.ts';

it('keeps a series for each point of a gauge, and ends those that are not told of any more', async () => {
  let points: readonly GaugePoint[] = [
    { labels: { receiver: 'a' }, value: 1 },
    { labels: { receiver: 'b' }, value: 1 },
  ];
  const stage = await openStage();
  try {
    stage.metrics.gaugeFamily('omoi_receiver_not_built', 'help', () => points);
    await stage.clock.advance(15_000);
    expect(stage.store.history('omoi_receiver_not_built')).toEqual({ 'receiver=a': [1], 'receiver=b': [1] });
    points = points.slice(1);
    await stage.clock.advance(15_000);
    const { 'receiver=a': ended, 'receiver=b': kept } = stage.store.history('omoi_receiver_not_built');
    expect(ended?.at(-1)).toBe('stale');
    expect(kept?.at(-1)).toBe(1);
    points = [{ labels: { receiver: 'a' }, value: 1 }];
    await stage.clock.advance(15_000);
    expect(stage.store.history('omoi_receiver_not_built')['receiver=a']?.at(-1)).toBe(1);
  } finally {
    await stage.close();
  }
});
