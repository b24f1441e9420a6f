import { setTimeout as delay } from 'node:timers/promises';
import { OmoiError, toRfc3339, type SystemEvent } from '#telemetry';
import { z } from 'zod';
import type { LocalClient } from '../local-client.ts';
import type { EventFollower } from './event-follower.ts';
import { taskHeldBy } from './held-task.ts';
import { hasUnreadAnswer, processOf, signalProcess, type ReplicaProcess } from './replica-process.ts';

const poolReplicas = z.object({
  replicas: z.array(z.object({ agent_id: z.string(), generation: z.number(), pid: z.number().nullable() })),
});

/** Who is stopped: a generation, and the task that it holds. */
interface HungWorker extends ReplicaProcess {
  /** When it was stopped. */
  readonly at: string;
  readonly agent_id: string;
  readonly generation: number;
  readonly task_id: string;
}

const maxPicks = 50;
/** One that held no task may have claimed one after this. */
const PICK_EVERY_MS = 200;
/** How long the server may take to find it silent. */
const SILENCE_LIMIT_MS = 60_000;
/** What the ladder makes of one that has missed two heartbeats, or more by now. */
const SILENT_STATUSES: ReadonlySet<unknown> = new Set(['DEGRADED', 'STALLED', 'UNRESPONSIVE']);

/**
 * Stops (SIGSTOP) a worker that surely holds a task: it is stopped first and then looked at, and runs on where it held none.
 * What it had sent before may still be on its way to a server that is busy: that has arrived when the server has found it silent.
 * And one that has not read the answer to its claim does not know of its task: it would leave without a word of that.
 * @throws OmoiError `not_found` where no worker of the pool holds a task
 */
export async function hangBusyWorker(
  pool: string,
  stage: { readonly client: Pick<LocalClient, 'call'>; readonly follower: EventFollower },
): Promise<HungWorker> {
  const { client, follower } = stage;
  for (let pick = 0; pick < maxPicks; pick++) {
    if (pick > 0) await delay(PICK_EVERY_MS);
    const { replicas } = poolReplicas.parse(await client.call('GET', `/api/v1/fleet/pools/${pool}`));
    const replica = replicas[pick % replicas.length];
    const stopped = replica ? processOf(replica) : null;
    if (!replica || !stopped || !signalProcess(stopped, 'SIGSTOP')) continue;
    const { agent_id: agentId, generation } = replica;
    const at = toRfc3339(Date.now());
    try {
      const held = await taskHeldBy(agentId, client);
      if (held !== null) {
        const isSilent = isFoundSilent({ agentId, generation, sinceMs: Date.parse(at) });
        await follower.waitFor(isSilent, { count: 1, withinMs: SILENCE_LIMIT_MS });
        const stillHeld = await taskHeldBy(agentId, client);
        if (stillHeld !== null && !hasUnreadAnswer(stopped))
          return { at, agent_id: agentId, generation, ...stopped, task_id: stillHeld };
      }
    } catch (thrown) {
      signalProcess(stopped, 'SIGCONT');
      throw thrown;
    }
    signalProcess(stopped, 'SIGCONT');
  }
  throw new OmoiError('not_found', `no worker of pool "${pool}" held a task; feed the pool first`);
}

function isFoundSilent(worker: {
  readonly agentId: string;
  readonly generation: number;
  readonly sinceMs: number;
}): (event: SystemEvent) => boolean {
  return ({ event_type: type, at, payload }) => {
    if (type !== 'fleet.agent.status_changed' || Date.parse(at) < worker.sinceMs) return false;
    const { agent_id: agentId, generation, to } = payload;
    return agentId === worker.agentId && generation === worker.generation && SILENT_STATUSES.has(to);
  };
}
