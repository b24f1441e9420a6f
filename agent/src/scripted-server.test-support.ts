import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import type { AddressInfo } from 'node:net';

export interface Received {
  readonly path: string;
  readonly body: Record<string, unknown>;
  readonly authorization: string | undefined;
}

export type Reply = { readonly status?: number; readonly body?: unknown } | 'cut' | Promise<unknown>;

/** What the server answers, by the end of the path: `register`, `heartbeat`, `claim`, `renew`, `complete` … */
export type Script = Partial<Record<string, (received: Received) => Reply>>;

const QUIET: Script = {
  register: () => ({ body: { generation: 1, heartbeat_interval_ms: 20 } }),
  heartbeat: ({ body }) => ({
    body: { acknowledged: body['sequence'], desired: 'run', heartbeat_interval_ms: 20 },
  }),
};

/** A real HTTP server that keeps what it got and answers as it is told; it can go away and come back. */
export class ScriptedServer {
  readonly received: Received[] = [];
  script: Script;
  /** Of the tasks that are offered. */
  leaseMs = 60;
  /** Of tasks, by id; those that are not here have none. */
  readonly timeLimitsMs = new Map<string, number>();
  #server: Server | null = null;
  #port = 0;
  #waiting: (() => void)[] = [];
  #tasks: object[] = [];

  constructor(script: Script = {}) {
    this.script = script;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  async open(): Promise<void> {
    const server = createServer((request, response) => {
      void this.#serve(request, response).catch(() => response.destroy());
    });
    await new Promise<void>((resolve) => {
      server.listen(this.#port, '127.0.0.1', resolve);
    });
    this.#server = server;
    this.#port = (server.address() as AddressInfo).port;
  }

  async goAway(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    this.#wake();
    await new Promise<void>((resolve) => {
      if (!server) return resolve();
      server.close(() => resolve());
      server.closeAllConnections();
    });
  }

  /** What the next claims get. */
  offer(...taskIds: string[]): void {
    this.#tasks.push(
      ...taskIds.map((taskId) => ({
        task_id: taskId,
        task_type: 'fetch',
        phase_id: 'PHASE_IMPLEMENTATION',
        priority: 0,
        payload: { id: taskId },
        attempt: 1,
        lease_ms: this.leaseMs,
        time_limit_ms: this.timeLimitsMs.get(taskId) ?? null,
        traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      })),
    );
    this.#wake();
  }

  /** The requests of one kind. */
  of(kind: string): readonly Received[] {
    return this.received.filter(({ path }) => kindOf(path) === kind);
  }

  async until(condition: () => boolean, withinMs = 5000): Promise<void> {
    const deadline = performance.now() + withinMs;
    while (!condition()) {
      const restMs = deadline - performance.now();
      if (restMs <= 0)
        throw new Error(`it did not come true; got ${this.received.map(({ path }) => path).join(', ')}`);
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
        setTimeout(resolve, Math.min(restMs, 100));
      });
    }
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const reply = await this.#answer(request);
    if (reply === 'cut') {
      response.destroy();
      return;
    }
    const { status = 200, body = {} } = reply;
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  }

  async #answer(request: IncomingMessage): Promise<Exclude<Reply, Promise<unknown>>> {
    const body = (await json(request)) as Record<string, unknown>;
    const received = { path: request.url ?? '', body, authorization: request.headers.authorization };
    this.received.push(received);
    this.#wake();
    const kind = kindOf(received.path);
    const scripted = this.script[kind]?.(received) ?? QUIET[kind]?.(received);
    if (scripted !== undefined) return (await scripted) as Exclude<Reply, Promise<unknown>>;
    return kind === 'claim' ? this.#claim(Number(body['max_tasks']), request) : {};
  }

  async #claim(maxTasks: number, request: IncomingMessage): Promise<{ body: unknown }> {
    while (this.#tasks.length === 0 && this.#server !== null && !request.destroyed) await this.#changed();
    return { body: { tasks: this.#tasks.splice(0, maxTasks) } };
  }

  #changed(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

function kindOf(path: string): string {
  if (path === '/api/v1/fleet/agents') return 'register';
  if (path === '/api/v1/fleet/tasks/complete') return 'completions';
  return path.slice(path.lastIndexOf('/') + 1);
}
