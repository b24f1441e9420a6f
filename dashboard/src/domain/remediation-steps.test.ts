import { describe, expect, it } from 'vitest';
import { describeSteps, type ToldRemediation } from './remediation-steps.ts';

const remediation = (told: Partial<ToldRemediation>): ToldRemediation => ({
  state: 'planned',
  step: 1,
  outcome: null,
  reason: null,
  verifies: null,
  planned_at: '12:00',
  step_started_at: null,
  verify_until: null,
  ended_at: null,
  actions: [],
  ...told,
});
const scale = {
  step: 1,
  action: 'scale',
  intended_at: '12:01',
  finished_at: '12:02',
  result: 'done',
  detail: null,
};
const told = (given: Partial<ToldRemediation>): readonly string[] =>
  describeSteps(remediation(given)).map(({ text, progress }) => `${text} (${progress})`);

describe('describeSteps', () => {
  it.each([
    { given: {}, steps: ['planned (now)'] },
    { given: { state: 'awaiting_approval' }, steps: ['planned (done)', 'awaits approval (now)'] },
    {
      given: { state: 'executing', actions: [{ ...scale, finished_at: null, result: null }] },
      steps: ['planned (done)', 'scale (now)'],
    },
    {
      given: { state: 'verifying', verifies: 'it is well', actions: [{ ...scale, detail: 'coders +2' }] },
      steps: ['planned (done)', 'scale: coders +2 (done)', 'verifying: it is well (now)'],
    },
    {
      given: { state: 'completed', outcome: 'healed', ended_at: '12:05', actions: [scale] },
      steps: ['planned (done)', 'scale: done (done)', 'healed (done)'],
    },
    {
      given: {
        state: 'escalated',
        outcome: 'no_effect',
        reason: 'it ended again',
        ended_at: '12:05',
        actions: [{ ...scale, result: 'failed' }],
      },
      steps: ['planned (done)', 'scale: failed (failed)', 'no effect: it ended again (failed)'],
    },
  ])('$steps', ({ given, steps }) => expect(told(given)).toEqual(steps));
});
