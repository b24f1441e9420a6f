import type { Selectable } from 'kysely';
import type { StateTables, StateTransaction } from '#storage';
import type { ProcessExit, StartedProcess } from '../runtimes/runtime.ts';

export type ProcessRow = Selectable<StateTables['agent_processes']>;

export interface ProcessKey {
  readonly agentId: string;
  readonly generation: number;
}

export interface ProcessIntent extends ProcessKey {
  readonly poolId: string;
  readonly runtime: string;
  readonly nonce: string;
  readonly traceparent: string | null;
}

/** Committed before anything is spawned. */
export async function insertIntent(tx: StateTransaction, intent: ProcessIntent): Promise<void> {
  await tx.db
    .insertInto('agent_processes')
    .values({
      agent_id: intent.agentId,
      generation: intent.generation,
      pool_id: intent.poolId,
      runtime: intent.runtime,
      state: 'intended',
      wish: 'run',
      nonce: intent.nonce,
      traceparent: intent.traceparent,
      intended_at_ms: tx.nowMs,
    })
    .execute();
}

export async function readProcess(tx: StateTransaction, key: ProcessKey): Promise<ProcessRow | null> {
  const row = await tx.db
    .selectFrom('agent_processes')
    .selectAll()
    .where('agent_id', '=', key.agentId)
    .where('generation', '=', key.generation)
    .executeTakeFirst();
  return row ?? null;
}

/** All generations of a pool that have not ended, and the newest of each agent. */
export function poolProcesses(tx: StateTransaction, poolId: string): Promise<ProcessRow[]> {
  return tx.db
    .selectFrom('agent_processes')
    .selectAll()
    .where('pool_id', '=', poolId)
    .orderBy('agent_id')
    .orderBy('generation')
    .execute();
}

type ProcessChange = Partial<Omit<ProcessRow, 'agent_id' | 'generation' | 'pool_id'>>;

export async function changeProcess(
  tx: StateTransaction,
  key: ProcessKey,
  change: ProcessChange,
): Promise<void> {
  await tx.db
    .updateTable('agent_processes')
    .set(change)
    .where('agent_id', '=', key.agentId)
    .where('generation', '=', key.generation)
    .execute();
}

/** The process is known: its nonce is not needed any more. */
export function setRunning(tx: StateTransaction, key: ProcessKey, started: StartedProcess): Promise<void> {
  return changeProcess(tx, key, {
    state: 'running',
    nonce: null,
    handle: started.handle,
    pid: started.pid,
    started_at_ms: tx.nowMs,
  });
}

export function setEnded(
  tx: StateTransaction,
  key: ProcessKey,
  exit: Pick<ProcessExit, 'exitCode' | 'signal'>,
): Promise<void> {
  return changeProcess(tx, key, {
    state: 'ended',
    nonce: null,
    kill_at_ms: null,
    ended_at_ms: tx.nowMs,
    exit_code: exit.exitCode,
    exit_signal: exit.signal,
  });
}

/** Older ended generations of an agent are not needed to decide anything; the registry keeps their history. */
export async function forgetOlderProcesses(tx: StateTransaction, key: ProcessKey): Promise<void> {
  await tx.db
    .deleteFrom('agent_processes')
    .where('agent_id', '=', key.agentId)
    .where('generation', '<', key.generation)
    .where('state', '=', 'ended')
    .execute();
}

/** The newest generation of an agent that Omoi starts; null for one that it doesn't. */
export async function newestProcess(tx: StateTransaction, agentId: string): Promise<ProcessRow | null> {
  const row = await tx.db
    .selectFrom('agent_processes')
    .selectAll()
    .where('agent_id', '=', agentId)
    .orderBy('generation', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row ?? null;
}
