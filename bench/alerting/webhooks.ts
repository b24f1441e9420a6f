import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An alert in a message, as far as the bench looks at it. */
interface ToldAlert {
  readonly labels: { readonly unit?: string };
}

/** Two receivers on loopback, in the process of who measures: one takes each message at once, one never answers. */
export class Webhooks {
  /** By unit, of alerts that have one: when the first message that names it was there to its last byte (monotonic ms). */
  readonly toldAtMs = new Map<string, number>();
  messages = 0;
  #wanted: { readonly units: number; readonly resolve: () => void } | null = null;
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      // Its sender waits for as long as it likes.
      if (request.url === '/hung') return request.resume();
      this.#take(request).then(
        () => response.end(),
        () => response.destroy(),
      );
      return undefined;
    });
    this.#server.keepAliveTimeout = 600_000;
  }

  static async open(): Promise<Webhooks> {
    const webhooks = new Webhooks();
    webhooks.#server.listen(0, '127.0.0.1');
    await once(webhooks.#server, 'listening');
    return webhooks;
  }

  /** Takes messages at once. */
  get good(): string {
    return `${this.#url}/good`;
  }

  /** Reads them, and never says a word. */
  get hung(): string {
    return `${this.#url}/hung`;
  }

  forget(): void {
    this.toldAtMs.clear();
    this.messages = 0;
  }

  /** Resolves to whether so many units were told of in time. */
  async told(units: number, withinMs: number): Promise<boolean> {
    if (this.toldAtMs.size >= units) return true;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => resolve(false), withinMs);
    this.#wanted = { units, resolve: () => resolve(true) };
    const isTold = await promise;
    clearTimeout(timer);
    this.#wanted = null;
    return isTold;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  get #url(): string {
    // It listens on TCP.
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async #take(request: IncomingMessage): Promise<void> {
    const pieces: Buffer[] = [];
    for await (const piece of request as AsyncIterable<Buffer>) pieces.push(piece);
    const atMs = performance.now();
    this.messages++;
    const { alerts } = JSON.parse(Buffer.concat(pieces).toString('utf8')) as { alerts: ToldAlert[] };
    for (const { labels } of alerts) {
      const { unit } = labels;
      if (unit !== undefined && !this.toldAtMs.has(unit)) this.toldAtMs.set(unit, atMs);
    }
    if (this.#wanted && this.toldAtMs.size >= this.#wanted.units) this.#wanted.resolve();
  }
}
