import { expect, it } from 'vitest';
import { SelfMetrics } from './self-metrics.ts';

it('counts what a histogram observed into cumulative buckets', () => {
  const metrics = new SelfMetrics();
  const seconds = metrics.histogram('wait_seconds', 'Waits.', [0.1, 1]);
  for (const value of [0.1, 0.2, 1, 5]) seconds.observe(value);

  expect(metrics.collect()).toEqual([
    {
      name: 'wait_seconds',
      type: 'histogram',
      help: 'Waits.',
      points: [
        { suffix: '_bucket', labels: { le: '0.1' }, value: 1 },
        { suffix: '_bucket', labels: { le: '1' }, value: 3 },
        { suffix: '_bucket', labels: { le: '+Inf' }, value: 4 },
        { suffix: '_sum', labels: {}, value: 6.3 },
        { suffix: '_count', labels: {}, value: 4 },
      ],
    },
  ]);
});

it('gives the same histogram for the same name', () => {
  const metrics = new SelfMetrics();
  metrics.histogram('wait_seconds', 'Waits.', [1]).observe(2);
  metrics.histogram('wait_seconds', 'Waits.', [1]).observe(3);
  expect(metrics.collect()[0]?.points.at(-1)?.value).toBe(2);
});
