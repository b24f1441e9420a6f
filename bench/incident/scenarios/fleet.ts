import { setTimeout as delay } from 'node:timers/promises';
import type { Fleet } from '../agent-probe.ts';
import { RefusedRequest } from '../../load/connection.ts';
import { AGENT_POOL } from '../measured-server.ts';
import { countsFromNow, scaled, scaledMs, secondsUntil, type Happened, type Stage } from '../stage.ts';

const UNRESPONSIVE = 'AgentUnresponsive of the fleet';
const CLAIM_CLIENTS = 50;
const CLAIM_EVERY_MS = 250;
const ABSURD_EVERY_MS = 500;
const ABSURD_PHASES = 40_000;
const CLAIMING_MS = 20_000;
const TASKS_PER_BATCH = 500;
const TASK_TYPE = 'bench-burden';

/** Two fifths of the agents can fall silent without a storm: half of the fleet is one. */
export function fleetOf(scale: number): Fleet {
  const agents = scaled({ scale }, 5000);
  const intervalMs = scale >= 1 ? 20_000 : 1000;
  const claimEveryMs = scale >= 1 ? 50 : 200;
  return { agents, mute: Math.round(agents * 0.4), intervalMs, ttlMs: 3.5 * intervalMs, claimEveryMs };
}

/** Two thousand agents fall silent at once, are given up, and beat again. */
export async function agentsFallSilent(stage: Stage): Promise<Happened> {
  const { mute } = fleetOf(stage.scale);
  const counted = await countsFromNow(stage.probes);
  await stage.probes.silence();
  const firedAfter = await secondsUntil(async () => (await counted('triggered', UNRESPONSIVE)) >= mute);
  await delay(scaledMs(stage, 5000));
  await stage.probes.revive();
  const recoveredAfter = await secondsUntil(async () => (await counted('resolved', UNRESPONSIVE)) >= mute);
  return {
    agents: mute,
    given_up: await counted('triggered', UNRESPONSIVE),
    given_up_after_s: firedAfter,
    back: await counted('resolved', UNRESPONSIVE),
    back_after_s: recoveredAfter,
  };
}

/**
 * Fifty clients claim four times a second and complete what they get; one asks for forty thousand phases. Their time
 * counts from when all of them are registered, and each claims once however late its turn comes.
 */
export async function clientsClaim(stage: Stage): Promise<Happened> {
  const { connections } = stage;
  const forMs = scaledMs(stage, CLAIMING_MS);
  const outcome = { claimed: 0, empty: 0, refused: 0, absurd_answered: 0, absurd_refused: 0 };
  await enqueue(stage, Math.round((CLAIM_CLIENTS * forMs) / CLAIM_EVERY_MS));
  const holders = await Promise.all(
    Array.from({ length: CLAIM_CLIENTS - 1 }, (_, number) => register(stage, `bench-claimer-${number}`)),
  );
  const absurdHolder = await register(stage, 'bench-absurd');
  const endsAt = performance.now() + forMs;
  const client = async (holder: Holder, number: number): Promise<void> => {
    await delay((CLAIM_EVERY_MS * number) / CLAIM_CLIENTS);
    do {
      const pause = delay(CLAIM_EVERY_MS);
      try {
        const tasks = await claim(stage, { ...holder, task_types: [TASK_TYPE] });
        if (tasks.length === 0) outcome.empty++;
        for (const { task_id: id } of tasks) {
          await connections.post(`/api/v1/fleet/tasks/${id}/complete`, holder);
          outcome.claimed++;
        }
      } catch (error) {
        if (!(error instanceof RefusedRequest)) throw error;
        outcome.refused++;
      }
      await pause;
    } while (performance.now() < endsAt);
  };
  const absurd = async (): Promise<void> => {
    const phases = Array.from({ length: ABSURD_PHASES }, (_, at) =>
      at % 2 === 0 ? 'PHASE_REQUIREMENTS' : 'PHASE_DESIGN',
    );
    do {
      const pause = delay(ABSURD_EVERY_MS);
      try {
        await claim(stage, { ...absurdHolder, phase_ids: phases });
        outcome.absurd_answered++;
      } catch (error) {
        if (!(error instanceof RefusedRequest)) throw error;
        outcome.absurd_refused++;
      }
      await pause;
    } while (performance.now() < endsAt);
  };
  await Promise.all([absurd(), ...holders.map(client)]);
  return { clients: CLAIM_CLIENTS, ...outcome };
}

interface Holder {
  readonly agent_id: string;
  readonly generation: number;
}

async function register({ connections }: Stage, id: string): Promise<Holder> {
  const answer = await connections.post('/api/v1/fleet/agents', {
    agent_id: id,
    agent_type: 'worker',
    pool_id: AGENT_POOL,
    nonce: `nonce-of-${id}`,
    heartbeat_interval_ms: 1_000_000,
    heartbeat_ttl_ms: 3_600_000,
  });
  return { agent_id: id, generation: (JSON.parse(answer) as { generation: number }).generation };
}

async function claim({ connections }: Stage, body: object): Promise<readonly { readonly task_id: string }[]> {
  const answer = await connections.post('/api/v1/fleet/tasks/claim', body);
  return (JSON.parse(answer) as { tasks: { task_id: string }[] }).tasks;
}

async function enqueue({ connections }: Stage, count: number): Promise<void> {
  const task = { task_type: TASK_TYPE, phase_id: 'PHASE_TESTING', payload: { file: 'a' } };
  for (let left = count; left > 0; left -= TASKS_PER_BATCH) {
    const tasks = Array.from({ length: Math.min(left, TASKS_PER_BATCH) }, () => task);
    await connections.post('/api/v1/fleet/tasks/batch', { tasks });
  }
}
