import { describe, expect, it } from 'vitest';
import type { AlertFacts } from '../ports.ts';
import { judgeStep } from './verdict.ts';

const NOW = 1_000_000;
const step = { value_before: 100, verify_until_ms: NOW + 5 };
const alert: AlertFacts = {
  alertId: 'a1',
  ruleId: 'fleet/X',
  labels: {},
  severity: 'error',
  state: 'firing',
  cause: null,
  value: 100,
  worse: 'higher',
  traceparent: null,
};

describe('the verdict on a step', () => {
  it.each([
    ['there is time', step, alert, { kind: 'open', leftMs: 5 }],
    [
      'nothing changed',
      { ...step, verify_until_ms: NOW },
      alert,
      { kind: 'ineffective', outcome: 'no_effect' },
    ],
    [
      'it rose by half',
      { ...step, verify_until_ms: NOW },
      { ...alert, value: 150 },
      { kind: 'ineffective', outcome: 'no_effect' },
    ],
    [
      'it rose by more',
      { ...step, verify_until_ms: NOW },
      { ...alert, value: 150.1 },
      { kind: 'ineffective', outcome: 'worsened' },
    ],
    [
      'a negative value rose by more',
      { value_before: -10, verify_until_ms: NOW },
      { ...alert, value: -4 },
      { kind: 'ineffective', outcome: 'worsened' },
    ],
    [
      'it rose where lower is worse: agents_active < 5 from 2 to 4',
      { value_before: 2, verify_until_ms: NOW },
      { ...alert, worse: 'lower', value: 4 },
      { kind: 'ineffective', outcome: 'no_effect' },
    ],
    [
      'it fell by more than half where lower is worse',
      { value_before: 100, verify_until_ms: NOW },
      { ...alert, worse: 'lower', value: 49 },
      { kind: 'ineffective', outcome: 'worsened' },
    ],
    [
      'its rule compares with no number',
      { ...step, verify_until_ms: NOW },
      { ...alert, worse: null, value: 1e9 },
      { kind: 'ineffective', outcome: 'no_effect' },
    ],
    [
      'there was no value to compare with',
      { value_before: null, verify_until_ms: NOW },
      { ...alert, value: 1e9 },
      { kind: 'ineffective', outcome: 'no_effect' },
    ],
    [
      'it recovered',
      step,
      { ...alert, state: 'resolved', cause: 'recovered' },
      { kind: 'over', outcome: 'healed', reason: 'the alert resolved: recovered' },
    ],
    [
      'its data vanished',
      step,
      { ...alert, state: 'resolved', cause: 'data_vanished' },
      { kind: 'over', outcome: 'unknown', reason: 'the alert resolved: data_vanished' },
    ],
    [
      'a person ended it',
      step,
      { ...alert, state: 'resolved', cause: 'manual' },
      { kind: 'over', outcome: 'cancelled', reason: 'the alert resolved: manual' },
    ],
    [
      'its record is gone',
      step,
      null,
      { kind: 'over', outcome: 'unknown', reason: 'the alert resolved: its record is gone' },
    ],
  ] as const)('%s', (_name, remediation, seen, verdict) => {
    expect(judgeStep(remediation, seen, NOW)).toEqual(verdict);
  });
});
