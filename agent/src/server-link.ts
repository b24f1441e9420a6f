import type * as Http from 'node:http';
import type * as Https from 'node:https';
import { createRequire } from 'node:module';
import { wait } from './wait.ts';
import type { ErrorAnswer } from './wire.ts';

/**
 * Modules of Node alone, so that any absolute path will do: in a bundle there may be no `import.meta.url`. An import of
 * `node:http` by name would read all that it exports, and thereby load the client behind `fetch`; an import of
 * `node:https` loads TLS, which few need.
 */
const load = createRequire(process.execPath);

/**
 * What became of a call. `refused`: the server has decided, asking again is no use. `away`: nobody has decided
 * (no connection, no answer in time, 429 or 5xx), the same call may be repeated.
 */
export type Answer<Body> =
  | { readonly kind: 'ok'; readonly body: Body }
  | { readonly kind: 'refused'; readonly status: number; readonly code: string; readonly message: string }
  | { readonly kind: 'away'; readonly message: string };

export interface PostOptions {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface LinkOptions {
  readonly url: string;
  readonly token: string | null;
  /** Told of each answer that says what the server wants of the agent: the request that it answers, sent then, counted as a heartbeat. */
  readonly onSeen?: (seen: Seen) => void;
}

/** A request that the server took for a sign of life. */
export interface Seen {
  readonly desired: 'run' | 'drain';
  /** By `performance.now()`. */
  readonly sentAtMs: number;
}

const CALL_TIMEOUT_MS = 10_000;
const BACKOFF_FIRST_MS = 100;
const BACKOFF_MAX_MS = 10_000;
const MAX_SOCKETS = 64;
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;
const RETRYABLE_STATUS = new Set([408, 425, 429]);

interface BackOffOptions {
  readonly signal?: AbortSignal | undefined;
  readonly background?: boolean;
  readonly longestMs?: number;
}

/**
 * The way to the server. It knows since when the server has been away, and wakes whoever waits to try again as
 * soon as any call has got through.
 *
 * `node:http` and not `fetch`: measured over 2,000 calls, a process with fetch is 35 MB larger.
 */
export class ServerLink {
  readonly #base: URL;
  readonly #token: string | null;
  readonly #onSeen: LinkOptions['onSeen'];
  readonly #connections: Http.Agent;
  readonly #request: typeof Http.request;
  #awaySinceMs: number | null = null;
  /** Aborts when the server is back. */
  #back = new AbortController();

  constructor(options: LinkOptions) {
    this.#base = new URL(options.url);
    this.#token = options.token;
    this.#onSeen = options.onSeen;
    const secure = this.#base.protocol === 'https:';
    const { Agent, request } = secure
      ? (load('node:https') as typeof Https)
      : (load('node:http') as typeof Http);
    this.#connections = new Agent({ keepAlive: true, maxSockets: MAX_SOCKETS });
    this.#request = request;
  }

  /** How long no call has got through; 0 while the server is there. */
  get awayMs(): number {
    return this.#awaySinceMs === null ? 0 : performance.now() - this.#awaySinceMs;
  }

  /** Never rejects. */
  async post<Body>(path: string, body: unknown, options: PostOptions = {}): Promise<Answer<Body>> {
    const sentAtMs = performance.now();
    const answer = await this.#send<Body>(path, body, options);
    if (answer.kind === 'ok') {
      const { desired } = answer.body as { desired?: unknown };
      // The caller first: tasks that come with the order to leave are in flight by then.
      if (desired === 'run' || desired === 'drain') setImmediate(() => this.#onSeen?.({ desired, sentAtMs }));
    }
    if (answer.kind !== 'away') this.#arrived();
    else if (options.signal?.aborted !== true) this.#awaySinceMs ??= performance.now();
    return answer;
  }

  /** Repeats the call until the server has decided, or `signal` ends it. */
  async postUntilDecided<Body>(
    path: string,
    body: unknown,
    options: PostOptions = {},
  ): Promise<Answer<Body>> {
    for (let attempt = 0; ; attempt++) {
      const answer = await this.post<Body>(path, body, options);
      if (answer.kind !== 'away' || options.signal?.aborted) return answer;
      await this.backOff(attempt, { signal: options.signal });
    }
  }

  /**
   * Waits before try number `attempt` + 1: twice as long each time, with jitter so that a fleet does not return
   * all at once. Ends early when the server is back or `signal` aborts. A `background` wait does not keep the
   * process alive; none takes longer than `longestMs`.
   */
  backOff(attempt: number, options: BackOffOptions = {}): Promise<void> {
    const { signal, background = false, longestMs = BACKOFF_MAX_MS } = options;
    const ceilingMs = Math.min(longestMs, BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** Math.min(attempt, 16));
    const delayMs = ceilingMs * (0.5 + Math.random() / 2);
    const until = signal ? [this.#back.signal, signal] : [this.#back.signal];
    return wait(delayMs, { until, background });
  }

  close(): void {
    this.#connections.destroy();
  }

  #arrived(): void {
    if (this.#awaySinceMs === null) return;
    this.#awaySinceMs = null;
    this.#back.abort();
    this.#back = new AbortController();
  }

  #send<Body>(path: string, body: unknown, options: PostOptions): Promise<Answer<Body>> {
    return new Promise((resolve) => {
      const away = (error: unknown): void => resolve({ kind: 'away', message: String(error) });
      try {
        const payload = Buffer.from(JSON.stringify(body));
        const outgoing = this.#request(new URL(path, this.#base), this.#requestOptions(payload, options));
        outgoing.on('error', away);
        outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer to ${path} in time`)));
        outgoing.on('response', (response) => {
          const chunks: Buffer[] = [];
          let bytes = 0;
          response.on('data', (chunk: Buffer) => {
            bytes += chunk.length;
            if (bytes > MAX_ANSWER_BYTES) outgoing.destroy(new Error(`the answer to ${path} is too large`));
            else chunks.push(chunk);
          });
          response.on('error', away);
          response.on('end', () => {
            const text = Buffer.concat(chunks).toString();
            resolve(judge<Body>(response.statusCode ?? 0, text, this.#base.origin));
          });
        });
        outgoing.end(payload);
      } catch (error) {
        away(error);
      }
    });
  }

  #requestOptions(payload: Buffer, options: PostOptions): Http.RequestOptions {
    const headers: Record<string, string | number> = {
      'content-type': 'application/json',
      'content-length': payload.length,
    };
    if (this.#token !== null) headers['authorization'] = `Bearer ${this.#token}`;
    return {
      method: 'POST',
      agent: this.#connections,
      headers,
      timeout: options.timeoutMs ?? CALL_TIMEOUT_MS,
      ...(options.signal && { signal: options.signal }),
    };
  }
}

/** @param url where something answers */
export function noOmoi(url: string): string {
  return `${url} answers unlike Omoi`;
}

function judge<Body>(status: number, text: string, origin: string): Answer<Body> {
  let body: unknown = null;
  try {
    body = text === '' ? {} : JSON.parse(text);
  } catch {
    // A proxy's page, say: what counts is the status.
  }
  if (status >= 200 && status < 300 && body !== null) return { kind: 'ok', body: body as Body };
  const error = body as Partial<ErrorAnswer> | null;
  const message = error?.message ?? `${noOmoi(origin)} (status ${status})`;
  if (status < 400 || status >= 500 || RETRYABLE_STATUS.has(status)) return { kind: 'away', message };
  return { kind: 'refused', status, code: error?.error ?? `http_${status}`, message };
}
