import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readOrEmpty } from '#fleet';

/** A namespace of processes, whose end is that of all in it. */
const NAMESPACE = ['--pid', '--fork', '--mount-proc', '--kill-child=SIGKILL'] as const;
const BOOT_ID = '/proc/sys/kernel/random/boot_id';
const LAST_PID = '/proc/sys/kernel/ns_last_pid';
/** What strangers run: nothing that ends by itself. */
const STRANGER = ['sleep', '86400'] as const;

/**
 * What the first process does: gives the machine its boot id, starts a stranger under each pid that is asked for, and
 * then the program, from the lowest pid again. It stays, and sees to whoever loses its parent.
 * Arguments: the file with the boot id, the pids in one word, the program.
 */
const INIT = `
mount --bind "$1" ${BOOT_ID} || exit 70
for pid in $2; do
  echo $((pid - 1)) > ${LAST_PID} || exit 71
  ${STRANGER.join(' ')} &
  [ $! = "$pid" ] || exit 72
done
shift 2
echo 1 > ${LAST_PID} || exit 71
"$@" &
wait $!
`;

/** A program, and with what it is started. */
export interface Program {
  readonly command: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

/**
 * A machine for one game day: processes in a namespace of their own, with a boot id of their own. It is booted anew by
 * killing all of them and making another one.
 */
export class OwnMachine {
  readonly #program: Program;
  readonly #directory = mkdtempSync(join(tmpdir(), 'omoi-machine-'));
  /** Which made the namespace, and waits for the first process in it. */
  #outer: ChildProcess | null = null;
  #strangers: readonly number[] = [];

  constructor(program: Program) {
    this.#program = program;
  }

  /** Why there can be none here; null where there can. */
  static reasonAgainst(): string | null {
    const directory = mkdtempSync(join(tmpdir(), 'omoi-machine-'));
    try {
      const file = writeBootId(directory);
      const args = [...NAMESPACE, 'sh', '-c', INIT, 'sh', file, '', 'true'];
      const { status, stderr, error } = spawnSync('unshare', args, { encoding: 'utf8' });
      if (status === 0) return null;
      return error?.message ?? (stderr.trim() || `unshare ended with ${status}`);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  }

  /** Whether its first process runs. */
  get isUp(): boolean {
    return this.#outer !== null && this.#outer.exitCode === null && this.#outer.signalCode === null;
  }

  /** @param strangers pids that processes get which have nothing to do with the program */
  boot(strangers: readonly number[] = []): void {
    const { command, env } = this.#program;
    this.#strangers = strangers.toSorted((a, b) => a - b);
    const init = ['sh', '-c', INIT, 'sh', writeBootId(this.#directory), this.#strangers.join(' ')];
    this.#outer = spawn('unshare', [...NAMESPACE, ...init, ...command], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env,
    });
  }

  /** All of its processes end at once, as by a power cut. */
  async crash(): Promise<void> {
    const outer = this.#outer;
    if (!outer || !this.isUp) return;
    const ended = once(outer, 'exit');
    // The namespace's first process: it is gone when all others are, and then the one that made the namespace is.
    const [first = outer.pid ?? 0] = childrenOf(outer.pid ?? 0);
    process.kill(first, 'SIGKILL');
    await ended;
  }

  /** Of the strangers: under which pids they were started, and under which they still run. */
  strangers(): { readonly started: readonly number[]; readonly alive: readonly number[] } {
    const [first] = childrenOf(this.#outer?.pid ?? 0);
    const alive = first === undefined ? [] : childrenOf(first).flatMap(ownPidOfStranger);
    return { started: this.#strangers, alive };
  }

  async remove(): Promise<void> {
    await this.crash();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

function writeBootId(directory: string): string {
  const file = join(directory, `boot-${randomUUID()}`);
  writeFileSync(file, `${randomUUID()}\n`);
  return file;
}

function childrenOf(pid: number): readonly number[] {
  return readOrEmpty(`/proc/${pid}/task/${pid}/children`)
    .split(' ')
    .filter((text) => text !== '')
    .map(Number);
}

/** The pid within its namespace, where it is a stranger. */
function ownPidOfStranger(pid: number): readonly number[] {
  const isStranger = readOrEmpty(`/proc/${pid}/cmdline`) === `${STRANGER.join('\0')}\0`;
  const own = /^NSpid:.*\t(\d+)$/m.exec(readOrEmpty(`/proc/${pid}/status`))?.[1];
  return isStranger && own !== undefined ? [Number(own)] : [];
}
