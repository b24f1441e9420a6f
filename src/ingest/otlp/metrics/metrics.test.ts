import { beforeEach, describe, expect, it } from 'vitest';
import { startOtlp, type OtlpTest } from '../otlp.test-support.ts';
import { delta, ENCODINGS, gauge, metrics, text } from './metric-requests.test-support.ts';

let otlp: OtlpTest;
beforeEach(async () => {
  otlp = await startOtlp();
});

describe.each(ENCODINGS)('metrics in %s', (encoding) => {
  const send = (body: object) => otlp.send('metrics', body, { encoding });
  const at = (timeMs: number) => ({ timeUnixNano: otlp.ns(timeMs) });

  it.each([
    ['a double', { asDouble: 2.5 }, 2.5],
    ['an integer', { asInt: '-7' }, -7],
    ['NaN', { asDouble: 'NaN' }, 'NaN'],
    ['infinity', { asDouble: 'Infinity' }, 'Infinity'],
    ['minus infinity', { asDouble: '-Infinity' }, '-Infinity'],
    ['no recorded value', { flags: 1 }, 'stale'],
  ])('stores a gauge of %s', async (_, value, expected) => {
    expect(await send(gauge({ ...at(1), ...value }))).toEqual({ rejected: 0, message: '' });
    expect(otlp.stored()).toEqual({ g: { 1: expected } });
  });

  it.each([0, 3])(
    'refuses what is neither delta nor cumulative, alone: temporality %d',
    async (temporality) => {
      const sumOf = (name: string, aggregationTemporality: number) => ({
        name,
        sum: { aggregationTemporality, isMonotonic: true, dataPoints: [{ ...at(1), asInt: '1' }] },
      });
      const answer = await send(metrics(sumOf('unsaid', temporality), sumOf('said', 2)));
      expect(answer).toEqual({
        rejected: 1,
        message: expect.stringContaining('neither DELTA nor CUMULATIVE'),
      });
      expect(Object.keys(otlp.stored())).toEqual(['said_total']);
    },
  );

  it('stores a summary with its quantiles, NaN among them', async () => {
    const quantileValues = [
      { quantile: 'NaN', value: 5 },
      { quantile: 0.5, value: 'NaN' },
      { quantile: 0.99, value: 3 },
    ];
    await send(
      metrics({ name: 's', summary: { dataPoints: [{ ...at(1), count: 2, sum: 4, quantileValues }] } }),
    );
    expect(otlp.stored()).toEqual({
      s_count: { 1: 2 },
      s_sum: { 1: 4 },
      's{quantile="NaN"}': { 1: 5 },
      's{quantile="0.5"}': { 1: 'NaN' },
      's{quantile="0.99"}': { 1: 3 },
    });
  });

  it('refuses points and metrics alone, and says why', async () => {
    const good = { ...at(1), asInt: '1' };
    const answer = await send(
      metrics(
        {
          name: 'g',
          gauge: { dataPoints: [good, { ...at(1), asInt: '1', attributes: [text('', 'x')] }, { ...at(1) }] },
        },
        { gauge: { dataPoints: [good, good] } },
        { name: 'anomaly_score', gauge: { dataPoints: [good] } },
        { name: 'without' },
        { name: 'old', gauge: { dataPoints: [{ ...at(-86_400_000), asInt: '1' }] } },
        { name: 'ahead', gauge: { dataPoints: [{ ...at(86_400_000), asInt: '1' }] } },
      ),
    );
    expect(answer.rejected).toBe(8);
    expect(answer.message).toContain('an attribute without a key (1)');
    expect(answer.message).toContain('a metric without a name (2)');
    expect(answer.message).toContain('anomaly_score is written by Omoi alone (1)');
    expect(otlp.stored()).toEqual({ g: { 1: 1 } });
  });

  it.each([
    ['from yesterday', -86_400_000, 'a point that is older than the store takes (too_old) (1)'],
    ['of tomorrow', 86_400_000, 'a point that is too far ahead of the server’s clock (too_far_ahead) (1)'],
    [
      'of the time of another',
      1,
      'a point with the time of another of its series and another value (duplicate_timestamp) (1)',
    ],
  ])('says in words, and by its code, why a point %s is refused', async (_, timeMs, message) => {
    await send(gauge({ ...at(1), asInt: '1' }));
    expect(await send(gauge({ ...at(timeMs), asInt: '2' }))).toEqual({ rejected: 1, message });
    expect(otlp.stored()).toEqual({ g: { 1: 1 } });
  });

  it('makes no series for a point that is refused', async () => {
    await send(
      delta({ ...at(1), asDouble: 'NaN' }, { ...at(-86_400_000), asInt: '1', attributes: [text('a', 'b')] }),
    );
    const { seriesCount } = await otlp.tsdb.status();
    expect(seriesCount).toBe(0);
  });

  it('answers what it stored where a limit of the store is reached', async () => {
    otlp = await startOtlp({ limits: { maxSeriesPerMetric: 1 } });
    const point = (value: string) => ({ ...at(1), asInt: '1', attributes: [text('a', value)] });
    const answer = await send(gauge(point('1'), point('2')));
    expect(answer).toEqual({ rejected: 1, message: expect.stringContaining('max_series_per_metric is 1') });
    expect(Object.keys(otlp.stored())).toEqual(['g{a="1"}']);
  });
});
