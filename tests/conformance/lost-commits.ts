import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** A simple query of PostgreSQL's protocol (its chapter "Message Formats"): `Q`, the length, the text, a zero. */
const COMMIT = Buffer.from('Q\0\0\0\x0bcommit\0', 'latin1');

/** When the connection breaks: before PostgreSQL is asked to commit, or after it has. */
export type LostAt = 'question' | 'answer';

/** Stands between a server and its PostgreSQL, and breaks the connection of the next commit that it is told to. */
export class LosesCommits {
  readonly #server: Server;
  readonly #to: { readonly host: string; readonly port: number };
  #losing: LostAt | null = null;
  /** How many connections were broken so. */
  lost = 0;

  /** @param url of the PostgreSQL */
  constructor(url: string) {
    const { hostname: host, port } = new URL(url);
    this.#to = { host, port: Number(port) };
    this.#server = createServer((near) => this.#join(near));
  }

  /** The URL by which it is reached. */
  async listen(url: string): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('no port was given');
    const through = new URL(url);
    through.hostname = '127.0.0.1';
    through.port = String(address.port);
    return through.href;
  }

  loseNext(at: LostAt): void {
    this.#losing = at;
  }

  close(): void {
    this.#server.close();
  }

  #join(near: Socket): void {
    const far = connect(this.#to);
    let dropsAnswer = false;
    const breakOff = (): void => {
      this.lost++;
      near.destroy();
      far.destroy();
    };
    near.on('data', (data) => {
      const losing = data.indexOf(COMMIT) >= 0 ? this.#losing : null;
      if (losing !== null) this.#losing = null;
      if (losing === 'question') return breakOff();
      dropsAnswer ||= losing === 'answer';
      far.write(data);
    });
    far.on('data', (data) => (dropsAnswer ? breakOff() : near.write(data)));
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      one.on('error', () => other.destroy());
      one.on('close', () => other.destroy());
    }
  }
}
