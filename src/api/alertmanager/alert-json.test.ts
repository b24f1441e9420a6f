import { expect, it } from 'vitest';
import type { Labels } from '#telemetry';
import { sortedAlerts } from './alert-json.ts';
import type { ViewedAlert } from './alertmanager-view.ts';

function viewed(labels: Labels): ViewedAlert {
  const alert = {
    alertId: JSON.stringify(labels),
    fingerprint: '',
    labels,
    annotations: {},
    startsAtMs: 0,
    endsAtMs: null,
    generatorUrl: '',
    acknowledgedBy: null,
    remediation: null,
    traceparent: null,
  };
  return { alert, updatedAtMs: 0, expiresAtMs: null, receivers: [], silencedBy: [], inhibitedBy: [] };
}

it('puts alerts of a group in order: by job, then instance, then fewer labels, then their names and values', () => {
  const inOrder: readonly Labels[] = [
    { b: '2', instance: 'x', job: 'a', a: '1' },
    { a: '2', b: '1', instance: 'x', job: 'a' },
    { a: '0', b: '0', instance: 'y', job: 'a' },
    { job: 'a' },
    { a: '0', b: '0', instance: 'a', job: 'b' },
    { instance: 'a' },
    { instance: 'b', a: '0' },
    { z: '9' },
    { a: '1', b: '2' },
    { a: '2', b: '1' },
    { a: '2', b: '2' },
  ];
  const shuffled = [8, 2, 10, 0, 6, 4, 3, 9, 1, 7, 5].map((at) => viewed(inOrder[at] ?? {}));
  expect(sortedAlerts(shuffled).map(({ alert }) => alert.labels)).toEqual(inOrder);
});
