import { OmoiError } from '#telemetry';
import type { Holder } from '../leases/lease-registry.ts';
import { holderOf, type TaskRow } from './task-row.ts';

/** Who wants to do something with a task as its holder. */
export interface ClaimRef extends Holder {
  readonly taskId: string;
  /** The claim's attempt number, where the agent tells one claim of a task from another. */
  readonly attempt: number | null;
}

export type HoldJudgement =
  | { readonly kind: 'holds' }
  /** The same holder has completed the task before. */
  | { readonly kind: 'completed_before' }
  | { readonly kind: 'refused'; readonly error: OmoiError; readonly stale: boolean };

/**
 * Whether an agent's generation holds a task. `stale` refusals are of those that held it once, or should no
 * longer run: worth an event.
 * @param currentGeneration the agent's, or null where the agent is unknown
 */
export function judgeHolder(task: TaskRow, claim: ClaimRef, currentGeneration: number | null): HoldJudgement {
  const holder = holderOf(task);
  const isHolder =
    holder?.agentId === claim.agentId &&
    holder.generation === claim.generation &&
    (claim.attempt === null || claim.attempt === task.attempt);
  if (isHolder && task.state === 'completed') return { kind: 'completed_before' };
  const details = {
    task_id: task.task_id,
    state: task.state,
    held_by: holder?.agentId ?? null,
    held_by_generation: holder?.generation ?? null,
    attempt: task.attempt,
  };
  const who = holder ? `agent ${holder.agentId} generation ${holder.generation}` : 'nobody';
  if (currentGeneration === null) {
    return refusal('unknown_agent', `Agent ${claim.agentId} is unknown.`, details);
  }
  if (claim.generation < currentGeneration) {
    return refusal(
      'generation_superseded',
      `Generation ${claim.generation} of agent ${claim.agentId} was followed by generation ${currentGeneration}; ` +
        `task ${task.task_id} is ${task.state}, held by ${who}.`,
      { ...details, current_generation: currentGeneration },
    );
  }
  switch (task.state) {
    case 'completed':
    case 'failed':
    case 'cancelled':
      return refusal('task_finished', `Task ${task.task_id} is ${task.state}; last held by ${who}.`, details);
    case 'parked':
      return refusal(
        'lease_lost',
        `Task ${task.task_id} was lost and is parked; last held by ${who}.`,
        details,
      );
    case 'queued':
      return task.attempt === 0
        ? refusal('task_not_claimed', `Task ${task.task_id} was never claimed.`, details)
        : refusal(
            'lease_lost',
            `The lease of task ${task.task_id} was lost; it is back in the queue.`,
            details,
          );
    case 'claimed':
      if (isHolder) return { kind: 'holds' };
      return refusal(
        'lease_lost',
        `Task ${task.task_id} is held by ${who}, attempt ${task.attempt}.`,
        details,
      );
  }
}

function refusal(
  code: 'unknown_agent' | 'generation_superseded' | 'task_finished' | 'task_not_claimed' | 'lease_lost',
  message: string,
  details: Readonly<Record<string, unknown>>,
): HoldJudgement {
  return {
    kind: 'refused',
    error: new OmoiError(code, message, details),
    stale: code === 'generation_superseded' || code === 'lease_lost',
  };
}
