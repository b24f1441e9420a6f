import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const STARTER = fileURLToPath(new URL('./process-starter.mjs', import.meta.url));
const SMALL = ['--max-semi-space-size=1', '--v8-pool-size=0'];

type Report = { readonly id: number } & (
  | { readonly kind: 'started'; readonly pid: number }
  | { readonly kind: 'stdout' | 'stderr'; readonly text: string }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'exit'; readonly exitCode: number | null; readonly signalCode: NodeJS.Signals | null }
  | { readonly kind: 'close' }
);

/**
 * Node forks to start a program: after it a large process, such as a worker of the tests, pays 20 to 30 µs on a virtual machine
 * for each page that it writes to for the first time. This process stays small, and is forked from instead.
 */
const starter = fork(STARTER, [], { execArgv: SMALL, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
starter.unref();
starter.channel?.unref();

const processes = new Map<number, StartedProcess>();
starter.on('message', (report) => {
  const { id } = report as Report;
  processes.get(id)?.take(report as Report);
});
starter.once('exit', (code, signal) => {
  const message = `the starter of processes ended with ${code ?? signal}`;
  for (const [id, process] of processes) process.take({ id, kind: 'failed', message });
});

let ordered = 0;

/** A program whose output is kept, started by a small process. */
export class StartedProcess {
  stdout = '';
  stderr = '';
  exitCode: number | null = null;
  signalCode: NodeJS.Signals | null = null;
  /** 0 until it has started. */
  pid = 0;
  /** Resolves when it has ended and its output is complete. @throws Error where it could not be started */
  readonly closed: Promise<void>;
  readonly #id = ++ordered;
  readonly #settle = Promise.withResolvers<void>();

  constructor(program: string, args: readonly string[], env: Readonly<Record<string, string | undefined>>) {
    this.closed = this.#settle.promise;
    processes.set(this.#id, this);
    // Who waits for it is kept alive, as by a child.
    starter.channel?.ref();
    processes.set(this.#id, this);
    starter.send({ kind: 'start', id: this.#id, program, args, cwd: process.cwd(), env });
  }

  get isRunning(): boolean {
    return processes.has(this.#id) && this.exitCode === null && this.signalCode === null;
  }

  kill(signal: NodeJS.Signals): void {
    starter.send({ kind: 'kill', id: this.#id, signal });
  }

  take(report: Report): void {
    switch (report.kind) {
      case 'started':
        this.pid = report.pid;
        break;
      case 'stdout':
      case 'stderr':
        this[report.kind] += report.text;
        break;
      case 'exit':
        this.exitCode = report.exitCode;
        this.signalCode = report.signalCode;
        break;
      case 'failed':
        this.#forget();
        this.#settle.reject(new Error(report.message));
        break;
      case 'close':
        this.#forget();
        this.#settle.resolve();
        break;
    }
  }

  #forget(): void {
    processes.delete(this.#id);
    if (processes.size === 0) starter.channel?.unref();
  }
}
