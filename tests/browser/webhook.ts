import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

/** What a webhook is told, as far as it is looked at. */
export interface WebhookMessage {
  readonly path: string;
  readonly status: string;
  /** Of PagerDuty: what becomes of the incident. */
  readonly event_action?: string;
  /** Of a payload of one's own. */
  readonly link?: string;
  readonly alerts: readonly { readonly labels: Readonly<Record<string, string>> }[];
}

/**
 * Webhooks on a free port of this machine: each path is one. A path that begins with `/down` answers 503, one that begins with
 * `/refuses` 400 and why.
 */
export class Webhook {
  readonly messages: WebhookMessage[] = [];
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => void this.#take(request, response));
  }

  get url(): string {
    // It listens on a port.
    const { port } = this.#server.address() as AddressInfo;
    return `http://127.0.0.1:${port}`;
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? '';
    // Omoi sends nothing else.
    const body = (await json(request)) as Omit<WebhookMessage, 'path'>;
    this.messages.push({ ...body, path });
    if (path.startsWith('/refuses')) response.writeHead(400).end('the channel #ops is archived');
    else response.writeHead(path.startsWith('/down') ? 503 : 200).end();
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
