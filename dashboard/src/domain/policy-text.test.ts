import { describe, expect, it } from 'vitest';
import { describeMode, describePolicy } from './policy-text.ts';

describe('describePolicy', () => {
  it('tells its steps, its attempts and who has it then', () => {
    const steps = [
      { action: 'restart', verify_within_ms: 30_000 },
      { action: 'scale_up', verify_within_ms: 120_000 },
    ];
    const policy = { mode: 'act', act_on: null, match: [], steps, max_attempts: 1, guardian: 'operators' };
    expect(describePolicy(policy)).toBe(
      'restart (verified within 30s), then scale up (verified within 2m); 1 attempt, then operators',
    );
  });
});

describe('describeMode', () => {
  it.each([
    [{ mode: 'act', act_on: null }, 'acts'],
    [{ mode: 'act', act_on: '10%' }, 'acts on 10%'],
    [{ mode: 'approve', act_on: null }, 'asks first'],
    [{ mode: 'observe', act_on: '10%' }, 'only observes'],
    [{ mode: 'dream', act_on: null }, 'dream'],
  ])('of %j is %s', (policy, text) => expect(describeMode(policy).text).toBe(text));
});
