import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { freePort, omoi, OmoiServer } from '../../tests/acceptance/support/omoi-process.ts';
import { Connection } from '../load/connection.ts';
import { cpuSeconds } from '../tsdb/target.ts';
import type { LoopReadings, MemoryReadings } from './watch-loop.ts';

/** What agents and operators speak with. */
export interface Tokens {
  readonly admin: string;
  readonly agent: string;
}

export interface MeasuredServerOptions {
  readonly dataDirectory: string;
  readonly configFile: string;
  /** For sockets and logs. */
  readonly workDirectory: string;
  /** What comes once a minute comes every three seconds: for a run that only shows that all of it works. */
  readonly hurry: boolean;
  /** Null on a data directory that has none yet. */
  readonly tokens: Tokens | null;
}

/** The pool that the simulated agents say they are of. */
export const AGENT_POOL = 'bench-agents';
const WATCH = new URL('./watch-loop.ts', import.meta.url).href;
let started = 0;

/** `omoi serve` with a watch on its event loop and memory. */
export class MeasuredServer {
  readonly tokens: Tokens;
  readonly otlpUrl: string;
  readonly #server: OmoiServer;
  readonly #watch: Socket;
  /** Who waits for a line, in the order of the questions; null tells that there will be none. */
  readonly #asked: ((line: string | null) => void)[] = [];

  private constructor(
    server: OmoiServer,
    { tokens, otlpUrl, watch }: { readonly tokens: Tokens; readonly otlpUrl: string; readonly watch: Socket },
  ) {
    this.#server = server;
    this.tokens = tokens;
    this.otlpUrl = otlpUrl;
    this.#watch = watch;
    createInterface({ input: watch }).on('line', (line) => this.#asked.shift()?.(line));
    watch.on('error', () => watch.destroy());
    watch.on('close', () => {
      for (const answer of this.#asked.splice(0)) answer(null);
    });
  }

  static async start(options: MeasuredServerOptions): Promise<MeasuredServer> {
    const { dataDirectory, configFile, workDirectory, hurry } = options;
    const number = ++started;
    const otlpPort = await freePort();
    const socket = join(workDirectory, `loop-${number}.sock`);
    const flags = ['--expose-gc', `--import=${WATCH}`, process.env['OMOI_BENCH_NODE_FLAGS'] ?? ''];
    const server = await OmoiServer.start(dataDirectory, {
      configFile,
      env: {
        OMOI_LOG_DESTINATION: join(workDirectory, `omoi-${number}.log`),
        OMOI_OTLP_PORT: String(otlpPort),
        OMOI_NODE_FLAGS: flags.join(' '),
        OMOI_BENCH_LOOP_SOCKET: socket,
        OMOI_BENCH_HURRY: hurry ? '1' : '0',
      },
    });
    const tokens = options.tokens ?? (await makeTokens(dataDirectory, server.url));
    const watch = connect(socket);
    await once(watch, 'connect');
    return new MeasuredServer(server, { tokens, otlpUrl: `http://127.0.0.1:${otlpPort}`, watch });
  }

  get url(): string {
    return this.#server.url;
  }

  get pid(): number {
    return this.#server.pid;
  }

  get isRunning(): boolean {
    return this.#server.isRunning;
  }

  /** User and system time of all threads so far. */
  get cpuSeconds(): number {
    return cpuSeconds(this.#server.pid);
  }

  /** The event loop since the last take. */
  take(): Promise<LoopReadings> {
    return this.#ask('take');
  }

  /** What is left after a forced collection; begins a new take. */
  memory(): Promise<MemoryReadings> {
    return this.#ask('memory');
  }

  /** The last of what it said, for a row that tells why it broke. */
  get lastWords(): string {
    return this.#server.stderr.slice(-500);
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    this.#watch.destroy();
    await this.#server.stop(signal);
  }

  async #ask<Answer>(word: string): Promise<Answer> {
    const line = await new Promise<string | null>((resolve) => {
      if (this.#watch.destroyed) resolve(null);
      this.#asked.push(resolve);
      this.#watch.write(`${word}\n`);
    });
    if (line === null) throw new Error(`the server has ended: ${this.lastWords}`);
    // The answer is that of `watch-loop.ts`.
    return JSON.parse(line) as Answer;
  }
}

/** The first as the owner of the directory, the other with the first. */
async function makeTokens(dataDirectory: string, url: string): Promise<Tokens> {
  // On the word of what the bench sends, policies act on the bench's pools.
  const speaksFor = ['--speaks-for', 'pool_id=~"bench-.*"'];
  const made = ['create', 'bench-admin', '--role', 'admin', ...speaksFor];
  const command = ['token', '--data-directory', dataDirectory, ...made];
  const { status, stdout, stderr } = await omoi(command);
  if (status !== 0) throw new Error(`no token could be made: ${stderr}`);
  const admin = stdout.trim();
  const connection = await Connection.open(url, admin);
  const scope = { agent_ids: [], pool_id: AGENT_POOL, max_agents: 20_000 };
  const asked = { name: 'bench-agents', role: 'agent', scope };
  const { secret } = JSON.parse(await connection.post('/api/v1/tokens', JSON.stringify(asked))) as {
    secret: string;
  };
  connection.close();
  return { admin, agent: secret };
}
