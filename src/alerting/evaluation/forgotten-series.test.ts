import { describe, expect, it } from 'vitest';
import { MemorySamples } from '../memory-samples.test-support.ts';
import type { Instance } from '../state/instance.ts';
import { AlertSeries } from './alert-series.ts';
import type { RuleOutlet } from './rule-outlet.ts';
import { SeriesHolders } from './series-holders.ts';
import { SeriesWriter } from './series-writer.ts';
import type { SlicedWork } from './sliced-work.ts';

const HOUR_MS = 3_600_000;

function outletOf(sink: MemorySamples, onRefused: (samples: number) => void = () => undefined): RuleOutlet {
  return { sink, refused: { add: onRefused }, holders: new SeriesHolders() };
}

/** An evaluation at an interval; it waits for nothing. */
function at(timeMs: number) {
  const origin = {
    source: 'rule',
    traceparent: null,
    receivedAtMs: timeMs,
    receivedMonotonicMs: timeMs,
  } as const;
  return { timeMs, origin, repeat: true };
}

function finish(work: SlicedWork<unknown>): void {
  while (!work.next().done);
}

const FIRING: Instance = {
  key: 'High',
  labels: { alertname: 'High' },
  sourceLabels: {},
  fingerprint: 'f',
  phase: { kind: 'firing', activeAtMs: 0 },
  value: 31,
  cause: { parent: null, links: [], receivedAtMs: null, evaluatedFromMs: 0, evaluatedToMs: 0 },
  alertId: 'alrt_1',
  traceparent: null,
};

describe('where the store forgot a series between two intervals', () => {
  it('a recording rule loses no sample', () => {
    const samples = new MemorySamples();
    const writer = new SeriesWriter(outletOf(samples));
    const outputs = [{ labels: { __name__: 'r', team: 'x' }, value: 1 }];
    finish(writer.write(outputs, at(0)));
    samples.forget('r');
    finish(writer.write(outputs, at(3 * HOUR_MS)));
    expect(samples.live('r', 3 * HOUR_MS)).toEqual([{ __name__: 'r', team: 'x' }]);
  });

  it('an alert goes on being told', () => {
    const samples = new MemorySamples();
    const series = new AlertSeries(outletOf(samples));
    const instances = new Map([[FIRING.key, FIRING]]);
    finish(series.write(instances, at(0)));
    samples.forget('ALERTS');
    samples.forget('ALERTS_FOR_STATE');
    finish(series.write(instances, at(3 * HOUR_MS)));
    for (const metric of ['ALERTS', 'ALERTS_FOR_STATE']) {
      expect(samples.live(metric, 3 * HOUR_MS)).toHaveLength(1);
    }
  });

  it('nothing is refused where an output or an alert ends', () => {
    const samples = new MemorySamples();
    let refused = 0;
    const outlet = outletOf(samples, (count) => (refused += count));
    const writer = new SeriesWriter(outlet);
    const series = new AlertSeries(outlet);
    finish(writer.write([{ labels: { __name__: 'r' }, value: 1 }], at(0)));
    finish(series.write(new Map([[FIRING.key, FIRING]]), at(0)));
    for (const metric of ['r', 'ALERTS', 'ALERTS_FOR_STATE']) samples.forget(metric);
    finish(writer.write([], at(3 * HOUR_MS)));
    finish(series.write(new Map(), at(3 * HOUR_MS)));
    expect(refused).toBe(0);
  });
});
