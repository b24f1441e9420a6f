import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { findServer } from '#server';
import { OmoiError } from '#telemetry';
import { answeredError } from './answered-error.ts';
import { addressOf, authorizationOf, unreached, whyUnanswered } from './server-address.ts';
import type { Server } from './server-client.ts';

/** A server, or what listens on a Unix socket that is asked for anew at every connection; null: nothing does now. */
export type StreamSource = Server | { readonly kind: 'socket'; readonly path: () => string | null };

interface StreamRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/**
 * Opens an answer that goes on and on. Its pieces end when the server ends it; a connection that breaks is an error.
 * @throws OmoiError with the server's own code where it refuses, or that it can't be reached now; Error where a connection breaks
 */
export function openStream(source: StreamSource, asked: StreamRequest): Promise<AsyncIterable<string>> {
  switch (source.kind) {
    case 'remote':
      return openFar(source, asked);
    case 'socket':
      return openSocket({ socket: source.path(), url: null, whyNone: 'no server listens' }, asked);
    case 'local': {
      const { dataDirectory } = source;
      const { socket, url } = findServer(dataDirectory) ?? { socket: null, url: null };
      return openSocket({ socket, url, whyNone: `no server runs on ${dataDirectory}` }, asked);
    }
  }
}

interface Listener {
  readonly socket: string | null;
  /** Where people reach it, as far as is known. */
  readonly url: string | null;
  /** What is wrong where there is no socket. */
  readonly whyNone: string;
}

function openSocket(
  { socket: socketPath, url, whyNone }: Listener,
  { path, headers, signal }: StreamRequest,
): Promise<AsyncIterable<string>> {
  return new Promise((resolve, reject) => {
    if (socketPath === null) {
      reject(unreached(whyNone));
      return;
    }
    const outgoing = request({ socketPath, path, headers: { host: 'localhost', ...headers }, signal });
    outgoing.on('error', reject);
    outgoing.on('response', (response) => {
      response.setEncoding('utf8');
      if (response.statusCode === 200) resolve(response);
      else text(response).then((answer) => reject(refusal(answer, url)), reject);
    });
    outgoing.end();
  });
}

async function openFar(
  { url, token }: Server & { readonly kind: 'remote' },
  { path, headers, signal }: StreamRequest,
): Promise<AsyncIterable<string>> {
  const address = addressOf(url, path);
  const response = await fetch(address, {
    headers: { ...headers, ...authorizationOf(token) },
    signal,
  }).catch((thrown: unknown) => {
    throw whyUnanswered(thrown, address);
  });
  if (!response.ok) throw refusal(await response.text(), address.origin);
  if (response.headers.get('content-type')?.startsWith('text/event-stream') !== true || !response.body) {
    throw new OmoiError('not_found', `what answers at ${address.origin} is no Omoi server`);
  }
  return response.body.pipeThrough(new TextDecoderStream());
}

function refusal(answer: string, url: string | null): Error {
  try {
    return answeredError(JSON.parse(answer), url);
  } catch {
    return new OmoiError('not_found', 'what answers is no Omoi server');
  }
}
