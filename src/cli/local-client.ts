import { request, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { answeredError } from './answered-error.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** Talks to the server of a data directory over its Unix socket, as its owner. */
export interface LocalClient {
  /**
   * Waits out a server that is being restarted, up to a limit.
   * @throws OmoiError with the server's own code when the answer is an error
   */
  call(method: Method, path: string, body?: unknown): Promise<unknown>;
}

/** Longer than the server lets a question wait for news. */
export const CALL_TIMEOUT_MS = 30_000;
const RETRY_EVERY_MS = 100;
/** A call that never reached a server is repeated this long. */
const UNREACHABLE_LIMIT_MS = 20_000;

/** Where a server of this machine is: its socket, and where people reach it. */
interface LocalServer {
  readonly socket: string | null;
  readonly url: string;
}

/**
 * @param find asked at every call: a server that was restarted may be elsewhere; null while there is none
 * @param withinMs for how long a server is waited for, and its answer; absent: as the limits above say
 */
export function createLocalClient(find: () => LocalServer | null, withinMs?: number): LocalClient {
  const socketPath = (): string | null => find()?.socket ?? null;
  return {
    async call(method, path, body) {
      const response = await sendPatiently(socketPath, { method, path, body }, withinMs);
      const answered = await text(response);
      const answer: unknown = answered === '' ? null : JSON.parse(answered);
      if ((response.statusCode ?? 0) < 400) return answer;
      throw answeredError(answer, find()?.url ?? null);
    },
  };
}

interface Call {
  readonly method: Method;
  readonly path: string;
  readonly body: unknown;
}

async function sendPatiently(
  socketPath: () => string | null,
  call: Call,
  withinMs?: number,
): Promise<IncomingMessage> {
  const giveUpAt = performance.now() + (withinMs ?? UNREACHABLE_LIMIT_MS);
  for (;;) {
    const path = socketPath();
    try {
      if (path !== null) return await send(path, call, withinMs ?? CALL_TIMEOUT_MS);
    } catch (thrown) {
      if (!mayRepeat(call, thrown) || performance.now() > giveUpAt) throw thrown;
    }
    if (performance.now() > giveUpAt) throw new Error('no server answers on its socket');
    await delay(RETRY_EVERY_MS);
  }
}

/** A refused connection did nothing; a broken one may have, so that only reads are repeated then. */
function mayRepeat(call: Call, thrown: unknown): boolean {
  const code = (thrown as NodeJS.ErrnoException).code;
  return code === 'ECONNREFUSED' || code === 'ENOENT' || (call.method === 'GET' && code === 'ECONNRESET');
}

function send(socketPath: string, call: Call, timeoutMs: number): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const payload = call.body === undefined ? null : JSON.stringify(call.body);
    const headers: Record<string, string> = { host: 'localhost' };
    if (payload !== null) headers['content-type'] = 'application/json';
    const outgoing = request({
      socketPath,
      method: call.method,
      path: call.path,
      headers,
      timeout: timeoutMs,
    });
    outgoing.on('response', resolve);
    outgoing.on('error', reject);
    outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer to ${call.method} ${call.path}`)));
    outgoing.end(payload ?? undefined);
  });
}
