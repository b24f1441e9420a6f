import { z } from 'zod';
import type { LocalClient } from '../local-client.ts';

const claimedTasks = z.object({ tasks: z.array(z.object({ task_id: z.string() })) });

/** A task that an agent holds; null where it holds none. Tasks come with their payloads: no other is read. */
export async function taskHeldBy(agentId: string, client: Pick<LocalClient, 'call'>): Promise<string | null> {
  const first = new URLSearchParams({ state: 'claimed', agent_id: agentId, limit: '1' });
  const answer = await client.call('GET', `/api/v1/fleet/tasks?${first.toString()}`);
  return claimedTasks.parse(answer).tasks[0]?.task_id ?? null;
}
