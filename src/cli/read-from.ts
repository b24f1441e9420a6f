import { findServer } from '#server';
import { messageOf, OmoiError } from '#telemetry';
import { answeredError } from './answered-error.ts';
import { createLocalClient } from './local-client.ts';

/** How a command is told which server it asks. */
export interface ServerFlags {
  readonly dataDirectory: string;
  /** Its token comes from $OMOI_TOKEN. */
  readonly url?: string;
}

/** Which server is asked: the one that runs on a directory, as its owner, or any other by its address. */
export type Server =
  | { readonly kind: 'local'; readonly dataDirectory: string }
  | { readonly kind: 'remote'; readonly url: string; readonly token: string | null };

export function serverOf({ url, dataDirectory }: ServerFlags): Server {
  return url === undefined
    ? { kind: 'local', dataDirectory }
    : { kind: 'remote', url, token: process.env['OMOI_TOKEN'] ?? null };
}

/**
 * Reads a path of the server's.
 * @throws OmoiError with the server's own code, or `not_found` where none runs
 */
export function readFrom(server: Server, target: string): Promise<unknown> {
  return server.kind === 'local' ? readLocally(server, target) : readFar(server, target);
}

function readLocally(
  { dataDirectory }: Server & { readonly kind: 'local' },
  target: string,
): Promise<unknown> {
  const running = findServer(dataDirectory);
  if (!running) {
    const problem = `no server runs on ${dataDirectory}; start one, or name its --data-directory or --url`;
    throw new OmoiError('not_found', problem);
  }
  if (running.socket === null) {
    const problem = `the server on ${dataDirectory} has no owner's socket (access.owner_socket: off); ask --url ${running.url}`;
    throw new OmoiError('not_found', problem);
  }
  return createLocalClient(() => running.socket).call('GET', target);
}

async function readFar(
  { url, token }: Server & { readonly kind: 'remote' },
  target: string,
): Promise<unknown> {
  const address = addressOf(url, target);
  const headers = token === null ? {} : { authorization: `Bearer ${token}` };
  const response = await fetch(address, { headers }).catch((thrown: unknown) => {
    const cause = thrown instanceof Error && thrown.cause !== undefined ? thrown.cause : thrown;
    throw new OmoiError('not_found', `no server answers at ${address.origin}: ${messageOf(cause)}`);
  });
  const answer: unknown = await response.json().catch(() => {
    const problem = `what answers at ${address.origin} (status ${response.status}) is no Omoi server`;
    throw new OmoiError('not_found', problem);
  });
  if (!response.ok) throw answeredError(answer);
  return answer;
}

function addressOf(url: string, target: string): URL {
  if (!/^https?:/.test(url) || !URL.canParse(target, url)) {
    throw new OmoiError(
      'invalid_request',
      `--url ${JSON.stringify(url)} is no address like http://host:4600`,
    );
  }
  return new URL(target, url);
}
