import { expect, it } from 'vitest';
import { fingerprintOf } from './fingerprint.ts';

it.each([
  [
    {
      alertname: 'InstanceDown',
      code: '200',
      instance: '127.0.0.1:9090',
      job: 'prometheus',
      monitor: 'codelab-monitor',
      severity: 'critical',
    },
    '791cec13fcba0368',
  ],
  [{}, 'cbf29ce484222325'],
])('is what Alertmanager computes for %j', (labels, expected) => {
  expect(fingerprintOf(labels)).toBe(expected);
});

it('does not depend on the order of the labels', () => {
  expect(fingerprintOf({ b: '2', a: '1' })).toBe(fingerprintOf({ a: '1', b: '2' }));
  expect(fingerprintOf({ a: 'ü' })).not.toBe(fingerprintOf({ a: 'u' }));
});
