import { describe, expect, it } from 'vitest';
import type { Remediation } from './remediation.ts';
import { RepairSlots } from './repair-slots.ts';

const NOW = 1_000_000;
/** Both clocks show the same. */
const now = { wallMs: NOW, bootMs: NOW, bootId: 'boot' };
const guards = {
  cooldown: 0,
  max_parallel: 2,
  max_starts: 2,
  window: 60_000,
  spare_healthy: true,
  repair_burst: 4,
  repair_every: 250,
};
const policy = { guards };

/** `w-1@demo` is an agent of a pool, `w-1` one without; `pool demo` is the pool itself. */
function remediationOf(id: string, target: string, policyName = 'p'): Remediation {
  const [kind, name] = target.startsWith('pool ')
    ? (['pool', target.slice(5)] as const)
    : (['agent', target] as const);
  const [targetId = '', poolId = null] = name.split('@');
  return {
    id,
    policy: policyName,
    alert_id: `alert of ${id}`,
    rule_id: 'r',
    target_kind: kind,
    target_id: targetId,
    pool_id: kind === 'pool' ? targetId : poolId,
    state: 'planned',
    plan: '',
    step: 0,
    outcome: null,
    generation: null,
    generation_since_ms: null,
    value_before: null,
    planned_at_ms: NOW,
    step_started_at_ms: null,
    verify_until_ms: null,
    ended_at_ms: null,
    approved_by: null,
    reason: null,
    traceparent: null,
    attempts: 0,
    lineage_order: 0,
    certain: 0,
    evidence: null,
    last_output: null,
    given_up_as: null,
    updated_at_ms: NOW,
    boot_ms: NOW,
    boot_id: 'boot',
  };
}

describe('the places of repairs', () => {
  it.each([
    ['the same agent', 'w-1@demo', 'w-1@demo', 'other'],
    ['an agent and its pool', 'w-1@demo', 'pool demo', 'other'],
    ['a pool and its agent', 'pool demo', 'w-1@demo', 'other'],
    ['the same pool', 'pool demo', 'pool demo', 'other'],
    ['two agents of one pool', 'w-1@demo', 'w-2@demo', null],
    ['an agent and another pool', 'w-1@demo', 'pool second', null],
    ['two agents without a pool', 'w-1', 'w-2', null],
  ])('%s: %s is taken, %s asks', (_what, taken, asks, busyWith) => {
    const slots = new RepairSlots();
    slots.reserve(remediationOf('other', taken), policy, NOW);
    expect(slots.look(remediationOf('one', asks), policy, now).busyWith).toBe(busyWith);
  });

  it('of what is certainly ill are its target alone', () => {
    const slots = new RepairSlots();
    const certain = { ...remediationOf('a', 'w-1'), certain: 1 };
    slots.reserve(certain, policy, NOW);
    expect(slots.look(remediationOf('b', 'w-2'), policy, now)).toEqual({
      busyWith: null,
      running: 0,
      budgetStartMs: null,
    });
    expect(slots.look(remediationOf('c', 'w-1'), policy, now).busyWith).toBe('a');
    slots.update({ ...certain, state: 'completed' });
    expect(slots.look(remediationOf('c', 'w-1'), policy, now).busyWith).toBeNull();
  });

  it('are taken from the moment in which they are reserved, and counted for the policy alone', () => {
    const slots = new RepairSlots();
    slots.reserve(remediationOf('a', 'w-1'), policy, NOW);
    slots.reserve(remediationOf('b', 'w-2', 'other'), policy, NOW);
    expect(slots.look(remediationOf('c', 'w-3'), policy, now)).toEqual({
      busyWith: null,
      running: 1,
      budgetStartMs: null,
    });
  });

  it('are given back by what turns out not to have been written, with its start', () => {
    const slots = new RepairSlots();
    const a = remediationOf('a', 'w-1');
    slots.reserve(a, policy, NOW);
    slots.reserve(remediationOf('b', 'w-2'), policy, NOW + 1);
    expect(slots.look(remediationOf('c', 'w-3'), policy, now).budgetStartMs).toBe(NOW);
    // The transaction failed; the row still says planned.
    slots.update(a);
    expect(slots.look(remediationOf('c', 'w-1'), policy, now)).toEqual({
      busyWith: null,
      running: 1,
      budgetStartMs: null,
    });
  });

  it('are given back at an end, while the start stays counted', () => {
    const slots = new RepairSlots();
    const a = remediationOf('a', 'w-1');
    for (const [at, start] of [a, { ...a, step: 1 }].entries()) {
      slots.reserve(start, policy, NOW + at);
      slots.update({ ...start, state: 'executing' });
      slots.update({ ...start, state: 'verifying' });
      expect(slots.holds('a')).toBe(true);
      slots.update(start);
    }
    slots.update({ ...a, state: 'completed' });
    expect(slots.look(remediationOf('b', 'w-1'), policy, now)).toEqual({
      busyWith: null,
      running: 0,
      budgetStartMs: NOW,
    });
  });

  it('are taken up again from the rows of the last process', () => {
    const slots = new RepairSlots();
    slots.start([
      { ...remediationOf('a', 'w-1@demo'), state: 'verifying' },
      { ...remediationOf('b', 'w-2@demo'), state: 'awaiting_approval' },
    ]);
    expect(slots.look(remediationOf('c', 'pool demo'), policy, now)).toMatchObject({
      busyWith: 'a',
      running: 1,
    });
    slots.forget('a');
    expect(slots.look(remediationOf('c', 'pool demo'), policy, now)).toMatchObject({
      busyWith: null,
      running: 0,
    });
  });
});
