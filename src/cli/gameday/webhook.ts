import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageOf, toRfc3339 } from '#telemetry';

/** Of a run; what comes after them could not be proven. */
export const maxMessagesKept = 1000;
/** A longer message is refused: one has one alert, and texts. */
export const maxMessageBytes = 1_048_576;

/** A message that the run's webhook was sent. */
export interface DeliveredMessage {
  /** When all of it was there. */
  readonly at: string;
  /** Of its `idempotency-key`. */
  readonly id: string;
  /** The JSON that came. */
  readonly body: unknown;
}

interface Waiter {
  readonly accepts: (message: DeliveredMessage) => boolean;
  readonly settle: (message: DeliveredMessage) => void;
}

/** The one whom the run's own server tells of its alerts: a real HTTP server on loopback that keeps what it is sent. */
export class GamedayWebhook {
  readonly #server: Server;
  readonly #folder = mkdtempSync(join(tmpdir(), 'omoi-gameday-'));
  readonly #messages: DeliveredMessage[] = [];
  readonly #waiters = new Set<Waiter>();
  #dropped = 0;

  private constructor() {
    this.#server = createServer((request, response) => {
      this.#read(request).then(
        () => response.writeHead(200).end(),
        (thrown: unknown) => response.writeHead(400).end(messageOf(thrown)),
      );
    });
  }

  static async open(): Promise<GamedayWebhook> {
    const webhook = new GamedayWebhook();
    webhook.#server.listen(0, '127.0.0.1');
    await once(webhook.#server, 'listening');
    writeFileSync(webhook.routingFile, webhook.#routing());
    return webhook;
  }

  /** The routing that a server is started with, so that every alert is told to this one: each by itself, and at once. */
  get routingFile(): string {
    return join(this.#folder, 'alertmanager.yml');
  }

  /** In the order in which they came. */
  get messages(): readonly DeliveredMessage[] {
    return this.#messages;
  }

  /**
   * The first accepted message, there already or still to come; null when the time is over.
   * @throws Error where more came than are kept
   */
  async waitFor(
    accepts: (message: DeliveredMessage) => boolean,
    withinMs: number,
  ): Promise<DeliveredMessage | null> {
    const found = this.#messages.find(accepts);
    if (found) return found;
    const { promise, resolve } = Promise.withResolvers<DeliveredMessage | null>();
    const waiter: Waiter = { accepts, settle: resolve };
    this.#waiters.add(waiter);
    const timer = setTimeout(() => resolve(null), withinMs);
    const message = await promise;
    clearTimeout(timer);
    this.#waiters.delete(waiter);
    if (message === null && this.#dropped > 0)
      throw new Error(
        `more than ${maxMessagesKept} messages came (maxMessagesKept): not all of them were kept`,
      );
    return message;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #read(request: IncomingMessage): Promise<void> {
    const pieces: Buffer[] = [];
    let bytes = 0;
    for await (const piece of request as AsyncIterable<Buffer>) {
      bytes += piece.length;
      if (bytes > maxMessageBytes) throw new Error(`a message has ${maxMessageBytes} bytes at most`);
      pieces.push(piece);
    }
    const at = toRfc3339(Date.now());
    const body = JSON.parse(Buffer.concat(pieces).toString('utf8')) as unknown;
    const id = String(request.headers['idempotency-key'] ?? '');
    if (this.#messages.length === maxMessagesKept) {
      this.#dropped++;
      return;
    }
    const message: DeliveredMessage = { at, id, body };
    this.#messages.push(message);
    for (const waiter of this.#waiters) if (waiter.accepts(message)) waiter.settle(message);
  }

  #routing(): string {
    // It listens on TCP.
    const { port } = this.#server.address() as AddressInfo;
    return `route: { receiver: gameday, group_by: ['...'], group_wait: 0s, group_interval: 1s }
receivers:
  - name: gameday
    webhook_configs: [{ url: 'http://127.0.0.1:${port}/' }]
`;
  }
}
