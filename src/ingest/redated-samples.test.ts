import { expect, it } from 'vitest';
import { startOtlp } from './otlp/otlp.test-support.ts';
import { named, openReceiver } from './remote-write/remote-write.test-support.ts';

/** As after a step back by ten minutes: half of the lead is still to be caught up. */
const LEAD_MS = 300_000;
const redate = (timestampMs: number): number => timestampMs + LEAD_MS;

it('remote write is dated as its sender’s clock was set', async () => {
  const stage = await openReceiver({}, redate);
  const nowMs = stage.clock.wallMs();
  await stage.send([{ labels: named('load'), samples: [stage.at(-LEAD_MS, 1)] }]);
  // Sent again it is the same sample.
  await stage.send([{ labels: named('load'), samples: [stage.at(-LEAD_MS, 1)] }]);
  const [series] = stage.selectAll();
  expect([...(series?.timestampsMs ?? [])]).toEqual([nowMs]);
});

it('OTLP is dated so too, and a delta that is sent again counts once', async () => {
  const test = await startOtlp({ redate });
  const dataPoints = [
    { timeUnixNano: test.ns(-LEAD_MS), startTimeUnixNano: test.ns(-LEAD_MS - 1000), asInt: 5 },
  ];
  const sum = { aggregationTemporality: 1, isMonotonic: true, dataPoints };
  const body = { resourceMetrics: [{ scopeMetrics: [{ metrics: [{ name: 'done', sum }] }] }] };
  expect(await test.send('metrics', body)).toMatchObject({ rejected: 0 });
  expect(await test.send('metrics', body)).toMatchObject({ rejected: 1 });
  expect(Object.values(test.stored('done_total'))).toEqual([{ 0: 5 }]);
});
