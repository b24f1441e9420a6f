import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** The way to a server, as through a load balancer: it may lead to another one, or swallow what it is sent. */
export class TcpWay {
  readonly #server: Server;
  readonly #near = new Set<Socket>();
  readonly #far = new Set<Socket>();
  #to: URL;
  #swallows = false;
  #url = '';

  /** @param to the URL of what it leads to */
  constructor(to: string) {
    this.#to = new URL(to);
    this.#server = createServer((near) => this.#join(near));
  }

  /** The URL by which the other end is reached this way. */
  get url(): string {
    return this.#url;
  }

  async open(): Promise<this> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('no port was given');
    const through = new URL(this.#to);
    through.hostname = '127.0.0.1';
    through.port = String(address.port);
    this.#url = through.href;
    return this;
  }

  /** From now on it leads elsewhere; what was open is closed. */
  leadTo(to: string): void {
    this.#to = new URL(to);
    for (const socket of [...this.#near, ...this.#far]) socket.destroy();
  }

  /** Connections stay, and are taken, but nothing gets through. */
  swallow(): void {
    this.#swallows = true;
    for (const socket of [...this.#near, ...this.#far]) socket.pause();
  }

  /** What was held up gets through. */
  letThrough(): void {
    this.#swallows = false;
    for (const near of this.#near) near.resume();
    for (const far of this.#far) far.resume();
  }

  close(): void {
    this.#server.close();
    for (const socket of [...this.#near, ...this.#far]) socket.destroy();
  }

  #join(near: Socket): void {
    const far = connect({ host: this.#to.hostname, port: Number(this.#to.port) });
    this.#near.add(near);
    this.#far.add(far);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      one.on('data', (chunk) => other.write(chunk));
      one.on('error', () => undefined);
      one.on('close', () => {
        this.#near.delete(one);
        this.#far.delete(one);
        other.destroy();
      });
    }
    if (this.#swallows) {
      near.pause();
      far.pause();
    }
  }
}
