import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { OmoiError, toRfc3339 } from '#telemetry';
import { z } from 'zod';
import type { Action } from './experiment.ts';
import { processOf, signalProcess } from './replica-process.ts';
import type { Stage } from './stage.ts';
import { omoiRun } from './wrapped-programs.ts';

type ActionOf<Type extends Action['type']> = Extract<Action, { type: Type }>;

const poolReplicas = z.object({
  replicas: z.array(z.object({ agent_id: z.string(), pid: z.number().nullable() })),
});

/** Kills (SIGKILL) processes of a pool, one right after the other. `at` is when the first was killed. */
export async function killPool(
  { pool, processes = Infinity }: ActionOf<'kill_pool'>,
  { client }: Stage,
): Promise<unknown> {
  const { replicas } = poolReplicas.parse(await client.call('GET', `/api/v1/fleet/pools/${pool}`));
  const victims = replicas.flatMap((replica) => {
    const process = processOf(replica);
    return process ? { process, agentId: replica.agent_id } : [];
  });
  const killed = victims.slice(0, processes);
  if (killed.length === 0) throw new OmoiError('not_found', `pool "${pool}" has no process to kill`);
  const at = toRfc3339(Date.now());
  for (const { process } of killed) signalProcess(process, 'SIGKILL');
  return { at, count: killed.length, agent_ids: killed.map(({ agentId }) => agentId) };
}

const poolSize = z.object({ desired: z.number() });

/** Gives a pool another size; the end of the run gives it the old one back. */
export async function scalePool(
  { pool, processes, ttl }: ActionOf<'scale_pool'>,
  { client, cleanUps }: Stage,
): Promise<unknown> {
  const path = `/api/v1/fleet/pools/${pool}`;
  const before = poolSize.parse(await client.call('GET', path)).desired;
  const reason = 'for a game day';
  if (ttl !== undefined) {
    const override = `${path}/scale-overrides/gameday`;
    await client.call('PUT', override, { add: processes - before, ttl_ms: ttl, reason });
    cleanUps.push(async () => {
      await client.call('DELETE', override);
    });
    return { before, processes };
  }
  await client.call('POST', `${path}/scale`, { desired: processes, reason });
  cleanUps.push(async () => {
    await client.call('POST', `${path}/scale`, { desired: before, reason });
  });
  return { before, processes };
}

const poolOverlap = z.object({ overlap: z.boolean() });

/** Changes a pool; the end of the run changes it back. */
export async function changePool(
  { pool, overlap }: ActionOf<'change_pool'>,
  { client, cleanUps }: Stage,
): Promise<unknown> {
  const path = `/api/v1/fleet/pools/${pool}`;
  const before = poolOverlap.parse(await client.call('GET', path));
  await client.call('PATCH', path, { overlap });
  cleanUps.push(async () => {
    await client.call('PATCH', path, before);
  });
  return { before, overlap };
}

/** Boots the server's machine anew, with strangers under the pids of a pool. `at` is when its processes were killed. */
export async function reboot({ pool }: ActionOf<'reboot'>, { client, machine }: Stage): Promise<unknown> {
  if (!machine)
    throw new OmoiError('not_found', 'the server has no machine of its own (server.machine: own)');
  const { replicas } = poolReplicas.parse(await client.call('GET', `/api/v1/fleet/pools/${pool}`));
  const pids = replicas.flatMap(({ pid }) => pid ?? []);
  const at = toRfc3339(Date.now());
  await machine.reboot(pids);
  return { at, pids };
}

/** Creates a pool that the end of the run removes. */
export async function createPool(
  { pool, command, processes, phase_id: phaseId, provider, wrapped, heartbeat }: ActionOf<'create_pool'>,
  { client, cleanUps }: Stage,
): Promise<{ readonly at: string; readonly pool_id: string }> {
  const at = toRfc3339(Date.now());
  await client.call('POST', '/api/v1/fleet/pools', {
    pool_id: pool,
    command: wrapped ? [...omoiRun(), ...command] : command,
    desired: processes,
    max: processes,
    ...(phaseId !== undefined && { phase_id: phaseId }),
    ...(heartbeat !== undefined && { heartbeat }),
    ...(provider !== undefined && { provider }),
  });
  cleanUps.push(async () => {
    await client.call('DELETE', `/api/v1/fleet/pools/${pool}`);
  });
  return { at, pool_id: pool };
}

/** Runs commands under this program's own `omoi run`, side by side, until all have ended. */
export async function runOneShots(
  { pool, count, command }: ActionOf<'one_shots'>,
  { dataDirectory }: Stage,
): Promise<unknown> {
  const at = toRfc3339(Date.now());
  const exitCodes = await Promise.all(
    Array.from({ length: count }, async (_, number) => {
      const id = `${pool}-${number + 1}`;
      const flags = ['--pool', pool, '--id', id, '--data-directory', dataDirectory];
      const [program = '', ...args] = [...omoiRun(...flags), ...command];
      const child = spawn(program, args, { stdio: 'ignore' });
      const [code] = (await once(child, 'exit')) as [number | null];
      return code;
    }),
  );
  return { at, exit_codes: exitCodes };
}
