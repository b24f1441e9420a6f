import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { OmoiError, toRfc3339 } from '#telemetry';
import { z } from 'zod';
import type { Action } from './experiment.ts';
import type { Stage } from './stage.ts';

/** A load that goes on until it is stopped. */
export interface Feed {
  stop(): void;
}

const FEED_TICK_MS = 100;

/** Does what a step says. Returns what the step found, for `save`. */
export async function perform(action: Action, stage: Stage): Promise<unknown> {
  switch (action.type) {
    case 'feed':
      return startFeed(action, stage);
    case 'stop_feed':
      for (const feed of stage.feeds) feed.stop();
      stage.feeds.clear();
      return null;
    case 'hang_busy_worker':
      return hangBusyWorker(action.pool, stage);
    case 'signal':
      process.kill(Number(action.pid), action.signal);
      return null;
  }
}

/** Enqueues at a steady rate by the clock: a tick that comes late enqueues what it owes. */
function startFeed(action: Extract<Action, { type: 'feed' }>, stage: Stage): null {
  const startedAt = performance.now();
  let enqueued = 0;
  let sending = false;
  const tick = async (): Promise<void> => {
    if (sending) return;
    const owed = Math.floor(((performance.now() - startedAt) / 1000) * action.rate_per_second) - enqueued;
    if (owed <= 0) return;
    sending = true;
    try {
      const tasks = Array.from({ length: owed }, () => ({ ...action.task, idempotency_key: randomUUID() }));
      await stage.client.call('POST', '/api/v1/fleet/tasks/batch', { tasks });
      enqueued += owed;
    } catch (thrown) {
      process.stderr.write(`omoi: a batch of tasks was not enqueued: ${String(thrown)}\n`);
    } finally {
      sending = false;
    }
  };
  const timer = setInterval(() => void tick(), FEED_TICK_MS);
  stage.feeds.add({ stop: () => clearInterval(timer) });
  return null;
}

const claimedTasks = z.object({
  tasks: z.array(z.object({ task_id: z.string(), agent_id: z.string().nullable() })),
});
const poolSlots = z.object({
  slots: z.array(z.object({ agent_id: z.string(), generation: z.number(), pid: z.number().nullable() })),
});

const PICK_ATTEMPTS = 50;
/** How long a completion that was already on its way may take to arrive. */
const IN_FLIGHT_MS = 200;

/**
 * Stops (SIGSTOP) a worker that surely holds a task: it is stopped first and then looked at, and runs on where it
 * held none. `at` is when it was stopped.
 */
async function hangBusyWorker(pool: string, stage: Stage): Promise<unknown> {
  for (let attempt = 0; attempt < PICK_ATTEMPTS; attempt++) {
    const { slots } = poolSlots.parse(await stage.client.call('GET', `/api/v1/fleet/pools/${pool}`));
    const slot = slots[attempt % slots.length];
    if (!slot || slot.pid === null) continue;
    process.kill(slot.pid, 'SIGSTOP');
    const at = toRfc3339(Date.now());
    await delay(IN_FLIGHT_MS);
    const task = await taskHeldBy(slot.agent_id, stage);
    if (task !== null)
      return { at, agent_id: slot.agent_id, generation: slot.generation, pid: slot.pid, task_id: task };
    process.kill(slot.pid, 'SIGCONT');
    await delay(IN_FLIGHT_MS);
  }
  throw new OmoiError('not_found', `no worker of pool "${pool}" held a task; feed the pool first`);
}

async function taskHeldBy(agentId: string, stage: Stage): Promise<string | null> {
  const answer = await stage.client.call('GET', '/api/v1/fleet/tasks?state=claimed&limit=1000');
  const { tasks } = claimedTasks.parse(answer);
  return tasks.find((task) => task.agent_id === agentId)?.task_id ?? null;
}
