import type { IncomingMessage } from 'node:http';
import type { LookupFunction } from 'node:net';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';

import { hostNameOf } from './address-guard.ts';
import { authorizationOfProxy, maxConnectionsPerAddress, type Way } from './connection-pool.ts';
import type { HttpRequest } from './http-client.ts';
import { portOf } from './proxy-choice.ts';
import type { TunnelRequestOptions } from './tunnel-agent.ts';

/** Not imported by name: that would load the client behind `fetch` too, 5 MB. */
const { request: plainRequest } = process.getBuiltinModule('node:http');
const { request: secureRequest } = process.getBuiltinModule('node:https');

/** How much of an answer is read, decompressed. */
export const maxAnswerBytes = 64 * 1024;

export interface Exchange {
  readonly url: URL;
  readonly method: HttpRequest['method'];
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: readonly Uint8Array[];
  readonly way: Way;
  readonly lookup: LookupFunction;
  readonly signal: AbortSignal;
}

/** The body of a request in pieces. */
export function piecesOf(body: HttpRequest['body']): readonly Uint8Array[] {
  if (body === null) return [];
  if (typeof body === 'string') return [Buffer.from(body)];
  return body instanceof Uint8Array ? [body] : body;
}

function lengthOf(pieces: readonly Uint8Array[]): number {
  return pieces.reduce((length, piece) => length + piece.byteLength, 0);
}

function optionsOf({ url, method, headers, body, way, lookup, signal }: Exchange): TunnelRequestOptions {
  const { asked, agent } = way;
  const to = asked ?? url;
  const whole = `${url.origin}${url.pathname}${url.search}`;
  return {
    method,
    agent,
    lookup,
    signal,
    tunnelSignal: signal,
    protocol: to.protocol,
    host: hostNameOf(to),
    port: portOf(to),
    path: asked ? whole : `${url.pathname}${url.search}`,
    headers: {
      host: url.host,
      ...(asked ? authorizationOfProxy(asked) : {}),
      ...(headers as Record<string, string | string[]>),
      ...(body.length === 0 && method === 'GET' ? {} : { 'content-length': String(lengthOf(body)) }),
    },
  };
}

function send(exchange: Exchange): Promise<IncomingMessage> {
  const { body, way, url } = exchange;
  return new Promise((resolve, reject) => {
    const start = (way.asked ?? url).protocol === 'https:' ? secureRequest : plainRequest;
    const outgoing = start(optionsOf(exchange));
    let answered = false;
    outgoing.once('response', (answer) => {
      answered = true;
      resolve(answer);
    });
    // What an idle connection had lost before it was used may be sent once more; who asked knows whether it was one.
    outgoing.on('error', (error) => {
      if (!answered) reject(Object.assign(error, { wasReused: outgoing.reusedSocket }));
    });
    // A server that changes the protocol (101) ends it all without an answer, and without an error.
    outgoing.once('close', () => {
      // Each closes at last; an error for nobody would cost as much as the rest.
      if (!answered) reject(Object.assign(new Error('closed'), { code: 'ECONNRESET' }));
    });
    if (body.length > 1) Readable.from(body).pipe(outgoing);
    else outgoing.end(body[0]);
  });
}

function wasClosedWhileIdle(error: unknown, signal: AbortSignal): boolean {
  if (signal.aborted || !(error instanceof Error) || !('wasReused' in error) || !('code' in error))
    return false;
  return error.wasReused === true && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
}

/**
 * Sends a request and gives its answer, of whatever status, as soon as its head is there. A kept connection that its server
 * had closed in the same moment is replaced by another.
 */
export async function exchange(options: Exchange): Promise<IncomingMessage> {
  for (let tries = 1; ; tries++) {
    try {
      return await send(options);
    } catch (error) {
      // Each idle connection may have been closed.
      if (tries > maxRepetitions || !wasClosedWhileIdle(error, options.signal)) throw error;
    }
  }
}

/** Idle connections to an address that may all have been closed. */
const maxRepetitions = maxConnectionsPerAddress;

/** What was read of an answer's body. */
export interface ReadBody {
  readonly text: string;
  /** What ended it early; null where it is whole, or longer than what is read. */
  readonly cutBy: unknown;
}

/** The beginning of an answer's body, decompressed; the connection of a longer one is closed. Never rejects: the head has said what counts. */
export async function readBody(answer: IncomingMessage): Promise<ReadBody> {
  const isGzip = /^(?:x-)?gzip$/i.test(answer.headers['content-encoding'] ?? '');
  const stream = isGzip ? answer.pipe(createGunzip()) : answer;
  if (stream !== answer) answer.once('error', (error) => stream.destroy(error));
  const pieces: Buffer[] = [];
  let length = 0;
  let cutBy: unknown = null;
  try {
    for await (const piece of stream as AsyncIterable<Buffer>) {
      pieces.push(piece);
      length += piece.length;
      if (length >= maxAnswerBytes) break;
    }
  } catch (error) {
    cutBy = error;
  } finally {
    if (!answer.complete || length >= maxAnswerBytes) answer.destroy();
  }
  return { text: Buffer.concat(pieces).subarray(0, maxAnswerBytes).toString('utf8'), cutBy };
}
