import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

/** What a webhook is told, as far as it is looked at. */
export interface WebhookMessage {
  readonly path: string;
  readonly status: string;
  readonly alerts: readonly { readonly labels: Readonly<Record<string, string>> }[];
}

/** Webhooks on a free port of this machine: each path is one. A path that begins with `/down` answers 503. */
export class Webhook {
  readonly messages: WebhookMessage[] = [];
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => {
      const path = request.url ?? '';
      // Omoi sends nothing else.
      void json(request).then((body) => {
        this.messages.push({ ...(body as Omit<WebhookMessage, 'path'>), path });
        response.writeHead(path.startsWith('/down') ? 503 : 200).end();
      });
    });
  }

  get url(): string {
    // It listens on a port.
    const { port } = this.#server.address() as AddressInfo;
    return `http://127.0.0.1:${port}`;
  }

  async start(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  async stop(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }
}
