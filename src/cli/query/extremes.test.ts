import { describe, expect, it } from 'vitest';
import { createEngine } from '#promql';
import { VirtualClock } from '#telemetry';
import { extremeOf } from './extremes.ts';

const hour = { startMs: 0, endMs: 3_600_000, stepMs: 30_000 };

describe('the peak of a column', () => {
  it.each([
    [
      'queue_depth{queue="mail"}',
      'max_over_time(queue_depth{queue="mail"}[30000ms]) or max_over_time((queue_depth{queue="mail"}\n)[30000ms:1000ms])',
    ],
    ['sum(rate(x[1m])) # all', 'max_over_time((sum(rate(x[1m])) # all\n)[30000ms:1000ms])'],
  ])('of %s', (expression, wanted) => {
    expect(extremeOf('max', expression, hour)).toBe(wanted);
    expect(() => createEngine({ clock: new VirtualClock() }).prepare(wanted)).not.toThrow();
  });

  it('is looked for some thousand times at most, however long the range is', () => {
    const month = { startMs: 0, endMs: 30 * 86_400_000, stepMs: 3_600_000 };
    expect(extremeOf('min', 'x + 1', month)).toBe('min_over_time((x + 1\n)[3600000ms:720000ms])');
  });
});
