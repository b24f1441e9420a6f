import type { Agent } from '../api/wire.ts';
import { count } from './count.ts';

/** An agent as far as it matters what may be done with it. */
export type OrderedAgent = Pick<
  Agent,
  'agent_id' | 'status' | 'generation' | 'managed' | 'tasks_held' | 'desired'
>;

/** What a person may order of an agent. */
export interface AgentOrder {
  readonly label: string;
  /** What will happen, in sentences: told before it is confirmed. */
  readonly effect: string;
  readonly method: 'POST' | 'DELETE';
  readonly path: string;
  /** What is sent beside the reason; null: the order takes no body. */
  readonly body: object | null;
  /** Whether work or the agent itself may be lost by it. */
  readonly isGrave: boolean;
  /** Why it cannot be ordered now; null: it can. */
  readonly refused: string | null;
}

const HANGS: readonly string[] = ['UNRESPONSIVE', 'STALLED'];
const ENDED: readonly string[] = ['FAILED', 'TERMINATED'];

/** The orders that make sense for an agent, the most common first. */
export function ordersFor(agent: OrderedAgent): readonly AgentOrder[] {
  const work = agent.status === 'QUARANTINED' ? release(agent) : quarantine(agent);
  return agent.managed ? [restart(agent), work, stop(agent)] : [drain(agent), work, forget(agent)];
}

/** Why an agent has no order to restart it; null for one that has. */
export function whyNoRestart({ managed }: OrderedAgent): string | null {
  return managed
    ? null
    : 'Somebody else started it: it is restarted where it runs, or by the command of its wrapper.';
}

function restart(agent: OrderedAgent): AgentOrder {
  const { status, generation, agent_id: id } = agent;
  return {
    label: 'Restart',
    effect: effectOfRestart(agent),
    method: 'POST',
    path: pathOf(id, 'restart'),
    // What was seen is what is replaced: where another generation runs meanwhile, nothing is done.
    body: { expected_generation: generation },
    isGrave: HANGS.includes(status),
    refused: status === 'QUARANTINED' ? 'It is quarantined: release it first.' : null,
  };
}

function effectOfRestart({ status, generation, tasks_held: held }: OrderedAgent): string {
  const next = `generation ${generation + 1} starts`;
  if (ENDED.includes(status)) return `Generation ${generation} has ended; ${next}.`;
  if (HANGS.includes(status)) {
    return `Generation ${generation} hangs: it is ended at once.${backInQueue(held)} Then ${next}.`;
  }
  if (held === 0) return `Generation ${generation} takes no new work and ends; then ${next}.`;
  return `Generation ${generation} takes no new work, finishes the ${count(held, 'task')} it holds, as far as its grace time allows, and ends; then ${next}.`;
}

function stop({ agent_id: id, status, tasks_held: held }: OrderedAgent): AgentOrder {
  const work =
    held === 0 ? '' : `, finishes the ${count(held, 'task')} it holds, as far as its grace time allows`;
  return {
    label: 'Stop',
    effect: `It takes no new work${work}, and ends. It stays stopped, and its alerts repair nothing, until a person restarts it.`,
    method: 'POST',
    path: pathOf(id, 'stop'),
    body: {},
    isGrave: true,
    refused: ENDED.includes(status) ? 'It does not run.' : null,
  };
}

/** Of one that Omoi starts, a stop is this: it drains, and ends. */
function drain({ agent_id: id, status, tasks_held: held, desired }: OrderedAgent): AgentOrder {
  const work = held === 0 ? '' : `, finishes the ${count(held, 'task')} it holds`;
  return {
    label: 'Drain',
    effect: `Its next heartbeat tells it to leave: it is given no more work${work}, and ends by itself. Nothing ends it where it does not listen.`,
    method: 'POST',
    path: pathOf(id, 'drain'),
    body: null,
    isGrave: true,
    refused: drainRefusal(status, desired),
  };
}

function drainRefusal(status: OrderedAgent['status'], desired: OrderedAgent['desired']): string | null {
  if (ENDED.includes(status)) return 'It does not run.';
  return desired === 'drain' ? 'It has been asked to leave already.' : null;
}

function quarantine({ agent_id: id, status, tasks_held: held }: OrderedAgent): AgentOrder {
  const work = held === 0 ? '' : ` It may finish the ${count(held, 'task')} it holds.`;
  return {
    label: 'Quarantine',
    effect: `It is given no more work; its process runs on, and nothing is repaired on it until it is released.${work}`,
    method: 'POST',
    path: pathOf(id, 'quarantine'),
    body: {},
    isGrave: false,
    refused: ENDED.includes(status) ? 'It does not run.' : null,
  };
}

function release({ agent_id: id }: OrderedAgent): AgentOrder {
  return {
    label: 'Release',
    effect: 'Its quarantine ends: it is given work again, and is judged by its heartbeats again.',
    method: 'POST',
    path: pathOf(id, 'release'),
    body: {},
    isGrave: false,
    refused: null,
  };
}

function forget({ agent_id: id, status, tasks_held: held }: OrderedAgent): AgentOrder {
  return {
    label: 'Forget',
    effect: `It leaves the fleet, and what fires about it ends. Its process is left as it is, and may register again.${backInQueue(held)}`,
    method: 'DELETE',
    path: pathOf(id, null),
    body: null,
    isGrave: true,
    refused: status === 'TERMINATED' ? 'It has left already.' : null,
  };
}

function backInQueue(held: number): string {
  if (held === 0) return '';
  return held === 1
    ? ' The task it holds goes back into the queue.'
    : ` The ${held} tasks it holds go back into the queue.`;
}

function pathOf(agentId: string, operation: string | null): string {
  const path = `/api/v1/fleet/agents/${encodeURIComponent(agentId)}`;
  return operation === null ? path : `${path}/${operation}`;
}
