// A process of its own, which starts others and does nothing else: it stays small. Imports relatively, and little.
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { enterGroup } from './control-group.ts';
import { allocateBehind } from './output-reserve.ts';
import { parseStat } from './process-table.ts';
import type { StarterReply, StarterRequest, StartOrder } from './starter-protocol.ts';

const [, , umask] = process.argv;
if (umask !== undefined) process.umask(Number(umask));
// What asks a whole group of processes to end is for the server to follow; this one ends when the server has.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => undefined);
process.on('disconnect', () => process.exit());
// The server that started this process is of the same build: it sends what the protocol says.
process.on('message', (request) => answer(request as StarterRequest));

function answer(request: StarterRequest): void {
  if (request.kind === 'start') start(request);
  else
    void allocateBehind(request.files, request.bytes).then(() => tell({ kind: 'reserved', id: request.id }));
}

function start(order: StartOrder & { readonly id: number }): void {
  const { id, program, args, cwd, env, identity, group } = order;
  const failed = (error: unknown): void => {
    const code = error instanceof Error && 'code' in error ? String(error.code) : null;
    tell({ kind: 'failed', id, code, message: error instanceof Error ? error.message : String(error) });
  };
  const files: number[] = [];
  const opened = (path: string): number => {
    const file = openSync(path, 'a', 0o600);
    files.push(file);
    return file;
  };
  try {
    const child = spawn(program, args, {
      ...(cwd !== null && { cwd }),
      env,
      ...identity,
      detached: true,
      stdio: ['ignore', opened(order.output.stdout), opened(order.output.stderr)],
    });
    child.once('error', failed);
    const { pid } = child;
    if (pid === undefined) return;
    // Read before the event loop turns: until then even one that has ended already is in the table.
    const startTicks = startTicksOf(pid);
    if (startTicks === null) {
      child.kill('SIGKILL');
      return failed(new Error('this machine has no /proc, which the process runtime needs'));
    }
    if (group !== null) enterGroup(group, pid);
    tell({ kind: 'started', id, pid, startTicks });
    child.once('exit', (exitCode, signal) => tell({ kind: 'exited', pid, exitCode, signal }));
  } catch (error) {
    failed(error);
  } finally {
    for (const file of files) closeSync(file);
  }
}

function startTicksOf(pid: number): number | null {
  try {
    return parseStat(pid, readFileSync(`/proc/${pid}/stat`, 'utf8'))?.startTicks ?? null;
  } catch {
    return null;
  }
}

/** Whoever does not hear it any more has gone; this process follows. */
function tell(reply: StarterReply): void {
  process.send?.(reply, () => undefined);
}
