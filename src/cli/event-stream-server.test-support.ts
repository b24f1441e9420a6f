import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

/** A server on a free port that gives streams of events. */
export async function serveStreams(answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const server = createServer((request, response) => {
    response.setHeader('content-type', 'text/event-stream');
    answer(request, response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    breakOff: (): void => server.closeAllConnections(),
    close: (): void => {
      server.closeAllConnections();
      server.close();
    },
  };
}
