import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { Readable, type Writable } from 'node:stream';
import { messageOf, type Clock } from '#telemetry';
import { ProgramGroup, type Signalled } from './program-group.ts';
import type { ProgramEnd, ProgramRun, Programs } from './programs.ts';

/** How long what a program has left behind may still write when the program itself has ended. */
const lingerMs = 500;

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

/**
 * Programs as children of this process, each with a process group of its own, in the root directory.
 * @param proc where the kernel's table of processes is
 */
export function createChildPrograms(allowed: readonly string[], clock: Clock, proc?: string): Programs {
  return { allowed, run: (run) => runChild(run, clock, proc) };
}

async function runChild(run: ProgramRun, clock: Clock, proc: string | undefined): Promise<ProgramEnd> {
  const { program, args, environment, input, signal } = run;
  if (signal.aborted) return { kind: 'stopped', output: '' };
  let child: Child;
  try {
    child = spawn(program, args, {
      cwd: '/',
      env: environment,
      detached: true,
      shell: false,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
  } catch (thrown) {
    return notStarted(thrown);
  }
  const output = new BoundedOutput(run.maxOutputBytes);
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (bytes: Buffer) => output.add(bytes));
    stream.on('error', ignore);
  }
  // Who does not want to read it is not made to.
  child.stdin.on('error', ignore);
  Readable.from(input, { objectMode: false }).on('error', ignore).pipe(child.stdin);
  const group = child.pid === undefined ? null : new ProgramGroup(child.pid, proc);
  child.once('exit', () => group?.leaderEnded());
  const stopping = stopWhenAborted(group, run, clock);
  try {
    const { code, by } = await ended(child);
    const isStopped = signal.aborted;
    const lingering = await outputEnded(child, group, clock);
    const left = { output: output.text, ...(lingering === 'unseen' && { goesOn: true as const }) };
    if (isStopped) return { kind: 'stopped', ...left };
    if (code === null) return { kind: 'killed', by: by ?? 'a signal', ...left };
    return { kind: 'exited', code, ...left };
  } catch (thrown) {
    return notStarted(thrown);
  } finally {
    stopping.cancel();
  }
}

/** Asks the whole group to end when the run is to be stopped, and kills it when it does not. */
function stopWhenAborted(group: ProgramGroup | null, { signal, graceMs }: ProgramRun, clock: Clock) {
  let killing: ReturnType<Clock['after']> | null = null;
  const stop = () => {
    group?.signal('SIGTERM');
    killing = clock.after(graceMs, () => group?.signal('SIGKILL'));
  };
  signal.addEventListener('abort', stop, { once: true });
  return {
    cancel() {
      signal.removeEventListener('abort', stop);
      killing?.cancel();
    },
  };
}

interface ChildExit {
  readonly code: number | null;
  readonly by: string | null;
}

function ended(child: Child): Promise<ChildExit> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, by) => resolve({ code, by }));
  });
}

/**
 * Whoever holds the output open when the program has ended is of its group, and is ended as well.
 * @returns what became of the signal to them; null where none was needed
 */
async function outputEnded(
  child: Child,
  group: ProgramGroup | null,
  clock: Clock,
): Promise<Signalled | null> {
  let signalled: Signalled | null = null;
  const streams = [child.stdout, child.stderr].filter((stream) => !stream.closed);
  const closed = Promise.all(
    streams.map(
      (stream) =>
        new Promise<void>((resolve) => {
          stream.once('close', () => resolve());
        }),
    ),
  );
  const lingering = clock.after(lingerMs, () => {
    signalled = group?.signal('SIGKILL') ?? null;
    for (const stream of streams) stream.destroy();
  });
  await closed;
  lingering.cancel();
  return signalled;
}

function notStarted(thrown: unknown): ProgramEnd {
  const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : '';
  return { kind: 'not started', code, why: messageOf(thrown) };
}

function ignore(): void {}

/** The first bytes of what comes. */
class BoundedOutput {
  readonly #pieces: Buffer[] = [];
  #left: number;

  constructor(maxBytes: number) {
    this.#left = maxBytes;
  }

  add(bytes: Buffer): void {
    if (this.#left === 0) return;
    const kept = bytes.subarray(0, this.#left);
    this.#pieces.push(kept);
    this.#left -= kept.length;
  }

  get text(): string {
    return Buffer.concat(this.#pieces).toString('utf8');
  }
}
