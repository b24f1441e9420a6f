import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An alert of a webhook's payload, as far as tests look at it. */
export interface WebhookAlert {
  readonly status: 'firing' | 'resolved';
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly generatorURL: string;
  readonly fingerprint: string;
}

/** A message as a webhook got it. */
export interface WebhookMessage {
  /** Of its `idempotency-key`. */
  readonly id: string;
  readonly path: string;
  readonly body: {
    readonly version: string;
    readonly receiver: string;
    readonly status: 'firing' | 'resolved';
    readonly notification_reason: string;
    readonly note?: string;
    readonly groupLabels: Readonly<Record<string, string>>;
    readonly alerts: readonly WebhookAlert[];
  };
}

/** A real HTTP server on loopback that takes messages and keeps them. */
export class Webhook {
  readonly messages: WebhookMessage[] = [];
  /** What to do before an answer is given; the message is kept already. */
  beforeAnswer: (message: WebhookMessage) => Promise<void> | void = () => undefined;
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      const pieces: Buffer[] = [];
      request.on('data', (piece: Buffer) => pieces.push(piece));
      // A sender that was killed breaks off: what it had begun to say is no message.
      request.on('error', () => undefined);
      request.on('end', () => {
        const message: WebhookMessage = {
          id: String(request.headers['idempotency-key'] ?? ''),
          path: request.url ?? '',
          body: JSON.parse(Buffer.concat(pieces).toString('utf8')) as WebhookMessage['body'],
        };
        this.messages.push(message);
        void Promise.resolve(this.beforeAnswer(message)).then(() => response.end('taken'));
      });
    });
  }

  static async open(): Promise<Webhook> {
    const webhook = new Webhook();
    webhook.#server.listen(0, '127.0.0.1');
    await once(webhook.#server, 'listening');
    return webhook;
  }

  get url(): string {
    // It listens on TCP.
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The messages to a path. */
  to(path: string): readonly WebhookMessage[] {
    return this.messages.filter((message) => message.path === path);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
