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
  #thenAway = false;
  #holding: Promise<void> | null = null;
  readonly #joined = new Set<Socket>();
  /** How many connections were broken so. */
  lost = 0;
  /** How many connections have ended. */
  ended = 0;
  /** While PostgreSQL is away nobody gets through. */
  #away = false;
  /** How many did not. */
  refused = 0;
  readonly #forgotten = new WeakSet<Socket>();
  #swallows: 'from_next_commit' | 'all' | null = null;
  /** Connections over which something was swallowed. */
  swallowing = 0;

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

  /** @param options `thenAway`: whether PostgreSQL is away from then on */
  loseNext(at: LostAt, { thenAway = false } = {}): void {
    this.#losing = at;
    this.#thenAway = thenAway;
  }

  /** From the next commit on connections stay open and lead nowhere, those that are made later too. */
  swallowFromNextCommit(): void {
    this.#swallows = 'from_next_commit';
  }

  /** Connections that are open lead nowhere, those that are made later lead to PostgreSQL. */
  swallowJoined(): void {
    for (const socket of this.#joined) this.#forgotten.add(socket);
  }

  /** PostgreSQL can be reached again: by new connections, where those before lead nowhere. */
  comeBack(): void {
    this.#away = false;
    this.#swallows = null;
  }

  close(): void {
    this.#server.close();
  }

  /** Keeps the answer of the next commit until `release` is called. */
  holdNextAnswer(): { release(): void } {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#holding = promise;
    return { release: resolve };
  }

  #leave(): void {
    this.#away = true;
    for (const socket of this.#joined) socket.destroy();
  }

  #join(near: Socket): void {
    if (this.#away) {
      this.refused++;
      near.destroy();
      return;
    }
    this.#joined.add(near);
    near.on('close', () => {
      this.#joined.delete(near);
      this.ended++;
    });
    const leadsNowhere = { now: false };
    const swallows = (data: Buffer): boolean => {
      if (this.#swallows === 'from_next_commit' && data.indexOf(COMMIT) >= 0) this.#swallows = 'all';
      const isForgotten = this.#swallows === 'all' || this.#forgotten.has(near);
      if (isForgotten && !leadsNowhere.now) {
        leadsNowhere.now = true;
        this.swallowing++;
      }
      return leadsNowhere.now;
    };
    const far = connect(this.#to);
    let dropsAnswer = false;
    let held: Promise<void> | null = null;
    const breakOff = (): void => {
      this.lost++;
      if (this.#thenAway) this.#leave();
      near.destroy();
      far.destroy();
    };
    near.on('data', (data) => {
      if (swallows(data)) return;
      const losing = data.indexOf(COMMIT) >= 0 ? this.#losing : null;
      if (losing !== null) this.#losing = null;
      if (losing === 'question') return breakOff();
      if (this.#holding && data.indexOf(COMMIT) >= 0) {
        held = this.#holding;
        this.#holding = null;
      }
      dropsAnswer ||= losing === 'answer';
      far.write(data);
    });
    far.on('data', (data) => {
      if (leadsNowhere.now) return;
      if (dropsAnswer) return breakOff();
      if (held) void held.then(() => near.write(data));
      else near.write(data);
    });
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      one.on('error', () => other.destroy());
      one.on('close', () => other.destroy());
    }
  }
}
