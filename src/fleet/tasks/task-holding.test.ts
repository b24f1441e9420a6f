import { expect, test } from 'vitest';
import { judgeHolder } from './task-holding.ts';
import type { TaskRow } from './task-row.ts';

const claimed: TaskRow = {
  task_id: 'task_1',
  task_type: 'build',
  phase_id: 'PHASE_TESTING',
  priority: 0,
  queue_order: 1,
  payload: '{}',
  state: 'claimed',
  pool_id: null,
  idempotency_key: null,
  enqueued_by: null,
  max_attempts: 3,
  attempt: 2,
  failures: 0,
  leases_lost: 1,
  counted_losses: 0,
  lost_by: null,
  handoffs: 0,
  time_limit_ms: null,
  parked_at_ms: null,
  last_output: null,
  progress: null,
  available_at_ms: 0,
  kept_for_agent_id: null,
  kept_until_ms: null,
  since_ms: null,
  since_boot_ms: null,
  since_boot_id: null,
  deferred_until_ms: null,
  agent_id: 'a',
  generation: 3,
  claimed_at_ms: 0,
  lease_ms: 1000,
  lease_until_ms: 1000,
  enqueued_at_ms: 0,
  first_claimed_at_ms: 0,
  finished_at_ms: null,
  result: null,
  error: null,
  traceparent: null,
};
const free = { state: 'queued', agent_id: null, generation: null } as const;

test.each<
  [
    string,
    Partial<TaskRow>,
    { agentId?: string; generation?: number; attempt?: number },
    number | null,
    string,
  ]
>([
  ['its holder', {}, {}, 3, 'holds'],
  ['its holder, with the attempt', {}, { attempt: 2 }, 3, 'holds'],
  ['its holder, of an earlier claim', {}, { attempt: 1 }, 3, 'lease_lost'],
  ['another agent', {}, { agentId: 'b' }, 3, 'lease_lost'],
  ['a holder that was followed by n+1', {}, {}, 4, 'generation_superseded'],
  ['the generation before', {}, { generation: 2 }, 3, 'generation_superseded'],
  ['somebody nobody knows', {}, { agentId: 'x' }, null, 'unknown_agent'],
  ['its former holder, while it is queued', free, {}, 3, 'lease_lost'],
  ['an agent that never claimed it', { ...free, attempt: 0 }, {}, 3, 'task_not_claimed'],
  ['who completed it', { state: 'completed' }, {}, 3, 'completed_before'],
  ['who completed it, n+1 running since', { state: 'completed' }, {}, 4, 'completed_before'],
  ['another, after it was completed', { state: 'completed' }, { agentId: 'b' }, 3, 'task_finished'],
  ['its holder, after it was cancelled', { state: 'cancelled' }, {}, 3, 'task_finished'],
])('%s: %#', (_, row, asker, currentGeneration, expected) => {
  const claim = { taskId: 'task_1', agentId: 'a', generation: 3, attempt: null, ...asker };
  const judgement = judgeHolder({ ...claimed, ...row }, claim, currentGeneration);
  expect(judgement.kind === 'refused' ? judgement.error.code : judgement.kind).toBe(expected);
});
