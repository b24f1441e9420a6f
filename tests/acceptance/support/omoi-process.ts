import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { removeEmptyGroups } from '#fleet';
import { StartedProcess } from './started-process.ts';
import { until } from './until.ts';

const OMOI = fileURLToPath(new URL('../../../bin/omoi', import.meta.url));
const START_LIMIT_MS = 60_000;
const STOP_LIMIT_MS = 30_000;
const GROUP_LIMIT_MS = 2000;
const INHERITED = ['PATH', 'HOME', 'USER', 'TMPDIR', 'LANG'];

/** What a program that was run to its end left behind. */
export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** `bin/omoi ARGS` as a person starts it, its output kept. */
export class OmoiProcess {
  readonly child: StartedProcess;

  constructor(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    const inherited = Object.fromEntries(INHERITED.map((name) => [name, process.env[name]]));
    this.child = new StartedProcess(process.execPath, [OMOI, ...args], { ...inherited, ...env });
  }

  get stdout(): string {
    return this.child.stdout;
  }

  get stderr(): string {
    return this.child.stderr;
  }

  /** @throws Error where it is asked for before the process has started: that is told a little after the order */
  get pid(): number {
    if (this.child.pid === 0) throw new Error('the process has not started yet');
    return this.child.pid;
  }

  get isRunning(): boolean {
    return this.child.isRunning;
  }

  async ended(): Promise<Ended> {
    await this.child.closed;
    return { status: this.child.exitCode, stdout: this.stdout, stderr: this.stderr };
  }

  /** Sends the signal and waits for the end; SIGKILL after a limit, so that nothing is left over. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Ended> {
    if (this.isRunning) this.child.kill(signal);
    const killer = setTimeout(() => this.child.kill('SIGKILL'), STOP_LIMIT_MS);
    const ended = await this.ended();
    clearTimeout(killer);
    return ended;
  }
}

/** Runs `bin/omoi ARGS` to its end. */
export function omoi(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  return new OmoiProcess(args, env).ended();
}

export interface ServerOptions {
  readonly demo?: boolean;
  readonly configFile?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** What else stands on the command line. */
  readonly flags?: readonly string[];
  /** A server that is to be started again on the same port names it; 0 takes any. */
  readonly port?: number;
  /** Whether its state is there already, in PostgreSQL: then it says nothing about itself beside its log. */
  readonly stateExists?: boolean;
}

/** A running `omoi serve` on a data directory of the test's. */
export class OmoiServer extends OmoiProcess {
  readonly directory: string;
  #url = '';

  private constructor(
    directory: string,
    { demo = false, configFile, env = {}, port = 0, flags = [] }: ServerOptions,
  ) {
    super(
      [
        'serve',
        ...(demo ? ['--demo'] : []),
        ...(configFile === undefined ? [] : ['--config', configFile]),
        ...flags,
      ],
      {
        OMOI_DATA_DIRECTORY: directory,
        OMOI_HTTP_PORT: String(port),
        OMOI_OTLP_PORT: '0',
        ...env,
      },
    );
    this.directory = directory;
  }

  /** Resolves when the server has said where it is. */
  static async start(directory: string, options: ServerOptions = {}): Promise<OmoiServer> {
    const first = options.stateExists !== true && !existsSync(join(directory, 'state.sqlite'));
    const server = new OmoiServer(directory, options);
    try {
      await until(() => server.#announced(), 'the server is ready', START_LIMIT_MS);
      if (options.demo === true || first) {
        await until(() => server.#hasIntroducedItself(), 'the server says what is running', START_LIMIT_MS);
      }
    } catch (thrown) {
      // Nobody else knows of it.
      await server.stop();
      throw thrown;
    }
    return server;
  }

  get url(): string {
    return this.#url;
  }

  /** The admin token that the first start prints. */
  get adminToken(): string {
    const token = /^ +admin +(\S+)/m.exec(this.stdout + this.stderr)?.[1];
    if (token === undefined) throw new Error(`no admin token was printed:\n${this.stdout}`);
    return token;
  }

  /** The last line of what it prints about itself: on standard output in the demo, else beside the log. */
  #hasIntroducedItself(): boolean {
    return (this.stdout + this.stderr).includes('Ctrl-C stops');
  }

  #announced(): boolean {
    if (!this.isRunning) throw new Error(`the server ended:\n${this.stdout}${this.stderr}`);
    let announcement: { readonly pid: number; readonly url: string };
    try {
      announcement = JSON.parse(readFileSync(join(this.directory, 'server.json'), 'utf8'));
    } catch {
      return false;
    }
    this.#url = announcement.url;
    return announcement.pid === this.child.pid;
  }
}

/** A new directory for a server's data, and how to be rid of it. */
export function dataDirectory(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'omoi-acceptance-'));
  return {
    path,
    remove() {
      rmSync(path, { recursive: true, force: true, maxRetries: 5 });
      leaveNoGroups(path);
    },
  };
}

/** A server that was killed can't remove the control groups of its units; what ran in them ends at this moment. */
export function leaveNoGroups(directory: string): void {
  const untilMs = performance.now() + GROUP_LIMIT_MS;
  while (removeEmptyGroups(directory) > 0 && performance.now() < untilMs);
}

/** A port that is free now, for a server that has to come back to it. */
export async function freePort(): Promise<number> {
  const probe = createServer();
  probe.listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  return address.port;
}
