import { findServer } from '#server';
import { OmoiError } from '#telemetry';
import { createLocalClient, type LocalClient } from './local-client.ts';

/**
 * The server of a data directory, reached as its owner: what protects it is the directory's permissions.
 * @throws OmoiError `not_found` where none runs, or it has no owner's socket
 */
export function ownerClient(dataDirectory: string): LocalClient {
  const server = findServer(dataDirectory);
  if (!server) {
    throw new OmoiError(
      'not_found',
      `no server runs on ${dataDirectory}; start one, or name its --data-directory`,
    );
  }
  if (server.socket === null) {
    throw new OmoiError(
      'not_found',
      `the server on ${dataDirectory} has no owner's socket (access.owner_socket: off); call ${server.url} with an admin token`,
    );
  }
  return createLocalClient(() => findServer(dataDirectory)?.socket ?? null);
}
