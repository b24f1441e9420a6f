import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createProcessTable } from '#fleet';
import { OmoiError, toRfc3339 } from '#telemetry';
import type { Action } from './experiment.ts';
import { signalProcess, type ReplicaProcess } from './replica-process.ts';
import type { Stage } from './stage.ts';

type ActionOf<Type extends Action['type']> = Extract<Action, { type: Type }>;

/** This program's own `omoi run`: what follows is a command, behind flags. */
export function omoiRun(...flags: readonly string[]): readonly string[] {
  const main = process.argv[1] ?? '';
  return [process.execPath, ...process.execArgv, main, 'run', ...flags, '--'];
}

/** Starts a command under `omoi run` as a person does; the end of the run ends it. */
export function runWrapped(
  { pool, command }: ActionOf<'run_wrapped'>,
  { dataDirectory, cleanUps }: Stage,
): unknown {
  const at = toRfc3339(Date.now());
  const agentId = `${pool}-1`;
  const [program = '', ...args] = omoiRun('--pool', pool, '--id', agentId, '--data-directory', dataDirectory);
  const child = spawn(program, [...args, ...command], { stdio: 'ignore' });
  const ended = once(child, 'exit');
  cleanUps.push(async () => {
    // Who is stopped ends no sooner than it goes on.
    const wrapped = wrappedProcess(agentId);
    if (wrapped) signalProcess(wrapped, 'SIGCONT');
    child.kill('SIGTERM');
    await ended;
  });
  return { at, agent_id: agentId };
}

/** Stops (SIGSTOP) the program that runs under an agent's `omoi run`; the wrapper goes on. `at` is when. */
export function stopWrapped({ agent }: ActionOf<'stop_wrapped'>): unknown {
  const at = toRfc3339(Date.now());
  const wrapped = wrappedProcess(agent);
  if (wrapped && signalProcess(wrapped, 'SIGSTOP')) return { at, agent_id: agent, ...wrapped };
  throw new OmoiError('not_found', `no program runs under the omoi run of agent "${agent}"`);
}

/** The first process of those that carry the wrapper's mark. */
function wrappedProcess(agentId: string): ReplicaProcess | null {
  const table = createProcessTable();
  const isMarked = (pid: number): boolean =>
    table.environ(pid)?.split('\0').includes(`OMOI_WATCHED_AGENT=${agentId}`) ?? false;
  for (const pid of table.pids()) {
    const stat = table.stat(pid);
    if (stat && isMarked(pid) && !isMarked(stat.parentPid)) return { pid, start_ticks: stat.startTicks };
  }
  return null;
}
