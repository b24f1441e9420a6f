import { entry, type ErrorEntry } from './error-entry.ts';

/** Of agents, tasks, locks and pools. */
export const FLEET_ERRORS = {
  unknown_agent: entry(404, 'No agent has this id, or it was forgotten.', 'Register the agent first.'),
  unknown_pool: entry(404, 'No pool has this id.', 'Create the pool first.'),
  unknown_task: entry(
    404,
    'No task has this id, or its retention is over.',
    'List the tasks to see what exists.',
  ),
  unknown_lock: entry(
    404,
    'No lock has this id: it was released or has run out.',
    'List the locks to see what is held.',
  ),
  unknown_generation: entry(
    404,
    'The agent has had no generation of this number.',
    'Use the generation that the registration returned.',
  ),
  generation_taken: entry(
    409,
    'Two processes say that they are the same generation of the same agent; the other one was first.',
    'Another process registered this generation; stop, or ask for a new one.',
  ),
  generation_superseded: entry(
    409,
    'The request comes from a generation that has been replaced: its successor holds what it held.',
    'A newer generation of this agent runs; stop this one.',
  ),
  agent_gone: entry(
    409,
    'The agent has ended, was stopped or was given up, and this generation of it does not come back.',
    'The agent has ended; register again as a new generation.',
  ),
  agent_id_reserved: entry(
    409,
    'A pool gives this id to one of its own agents.',
    'Register under an id that no pool gives to its agents.',
  ),
  agent_is_managed: entry(
    409,
    'Omoi starts and stops this agent itself, so that nobody else may register as it, remove it or ask it to leave.',
    'Change the pool instead; Omoi starts and stops its agents.',
  ),
  agent_not_claiming: entry(
    409,
    'An agent in quarantine, or one that is asked to leave, gets no tasks.',
    'The agent’s status does not let it take work; the message names it.',
  ),
  transition_not_allowed: entry(
    409,
    'What was ordered does not follow from the state that the agent, pool or task is in.',
    'Read the present state; the message names it.',
  ),
  agent_not_managed: entry(
    409,
    'Omoi has not started this agent, and only watches it.',
    'Restart it where it was started; Omoi only watches it.',
  ),
  agent_limit_reached: entry(
    429,
    'As many agents are registered as one token, one group or the whole fleet may have.',
    'Deregister agents that are gone, or raise the limit that the message names.',
  ),
  queue_full: entry(
    429,
    'As many tasks, or phases, wait as the queue takes.',
    'Try again when tasks have been done, or raise the limit that the message names.',
    true,
  ),
  claim_limit_reached: entry(
    429,
    'As many claims wait for work as one agent, one owner or all may have open.',
    'Wait for the claims that were asked already, by the agent or by its owner as the details say, or end them; one claim takes several tasks with max_tasks.',
    true,
  ),
  pool_exists: entry(409, 'A pool has this id already.', 'Update the pool instead.'),
  pool_bounds: entry(
    400,
    'The size lies outside what the pool, or all pools together, may have.',
    'Keep min ≤ desired ≤ max, and max within what the message says.',
  ),
  lease_lost: entry(
    409,
    'The lease of the task has run out or was taken away, and its result no longer counts.',
    'Drop the work: the task has been given to somebody else; the message says to whom.',
  ),
  task_not_claimed: entry(
    409,
    'Nobody holds the task, so that nobody can complete, fail or renew it.',
    'Claim the task before you complete it.',
  ),
  task_not_parked: entry(
    409,
    'The task is queued, at work or done, so that there is nothing to queue again.',
    'Only a parked or failed task can be retried; the message says where it stands.',
  ),
  too_many_handoffs: entry(
    409,
    'The task has been handed on as often as one may be.',
    'Complete the task or fail it: it goes in a circle. Queued again by a person it may be handed on again.',
  ),
  task_finished: entry(
    409,
    'The task is completed, failed or cancelled already.',
    'The task has ended; nothing is left to do.',
  ),
  lock_held: entry(
    409,
    'Somebody else holds the resource in a mode that does not go with the one asked for.',
    'Try again when the present holder’s lease has ended; the message names it.',
    true,
  ),
  lock_lost: entry(
    409,
    'The lock has run out, was taken away, or belongs to a generation that has been replaced.',
    'Drop what the lock protected: it has expired or was taken over.',
  ),
  lock_limit_reached: entry(
    429,
    'As many locks are held, or waited for, as one agent or all may have.',
    'Release locks that are not needed any more, or let them run out; the message names the limit.',
    true,
  ),
} as const satisfies Record<string, ErrorEntry>;
