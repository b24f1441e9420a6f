import { Connection, type OutgoingRequest } from './connection.ts';

/**
 * So many connections, each with one request in flight; what comes while all are busy waits in order. A connection
 * that breaks is replaced for the next request.
 */
export class ConnectionPool {
  readonly #url: string;
  readonly #token: string | null;
  readonly #free: Connection[] = [];
  readonly #waiting: ((connection: Connection) => void)[] = [];

  private constructor(url: string, token: string | null) {
    this.#url = url;
    this.#token = token;
  }

  static async open(url: string, token: string | null, connections: number): Promise<ConnectionPool> {
    const pool = new ConnectionPool(url, token);
    for (let number = 0; number < connections; number++) {
      pool.#free.push(await Connection.open(url, token));
    }
    return pool;
  }

  /** @returns the body of the answer @throws RefusedRequest when the answer is an error */
  async send(request: OutgoingRequest): Promise<string> {
    let connection = this.#free.pop() ?? (await this.#next());
    try {
      if (!connection.isOpen) connection = await Connection.open(this.#url, this.#token);
      return await connection.send(request);
    } finally {
      const waiting = this.#waiting.shift();
      if (waiting) waiting(connection);
      else this.#free.push(connection);
    }
  }

  post(path: string, body: unknown): Promise<string> {
    return this.send({ method: 'POST', path, body: JSON.stringify(body) });
  }

  close(): void {
    for (const connection of this.#free) connection.close();
  }

  #next(): Promise<Connection> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }
}
