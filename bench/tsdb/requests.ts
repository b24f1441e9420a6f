import { Agent, request as httpRequest } from 'node:http';
import type { Target } from './target.ts';

const WRITE_HEADERS = {
  'content-type': 'application/x-protobuf',
  'content-encoding': 'snappy',
  'x-prometheus-remote-write-version': '0.1.0',
};

/** Where requests go, and what each carries. */
export type Addressed = Pick<Target, 'name' | 'base' | 'prefix' | 'headers'>;

/** A request and its answer to the last byte, on connections that are kept. @throws where the status is no 2xx */
export class Client {
  readonly #target: Addressed;
  readonly #agent: Agent;

  constructor(target: Addressed, connections = 1) {
    this.#target = target;
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections });
  }

  write(body: Buffer): Promise<Buffer> {
    return this.#send('POST', `${this.#target.prefix}api/v1/write`, body, WRITE_HEADERS);
  }

  /** A call of the query API, `query?query=up` for one. */
  read(path: string): Promise<Buffer> {
    return this.#send('GET', `${this.#target.prefix}api/v1/${path}`, null, {});
  }

  post(path: string, body: unknown): Promise<Buffer> {
    const headers = { 'content-type': 'application/json' };
    return this.#send('POST', path, Buffer.from(JSON.stringify(body)), headers);
  }

  page(path: string): Promise<Buffer> {
    return this.#send('GET', path, null, {});
  }

  close(): void {
    this.#agent.destroy();
  }

  #send(
    method: 'GET' | 'POST',
    path: string,
    body: Buffer | null,
    headers: Readonly<Record<string, string>>,
  ): Promise<Buffer> {
    const { base, name } = this.#target;
    const length = body === null ? {} : { 'content-length': body.length };
    return new Promise((resolve, reject) => {
      const sent = httpRequest(
        base + path,
        { method, agent: this.#agent, headers: { ...this.#target.headers, ...headers, ...length } },
        (answer) => {
          const parts: Buffer[] = [];
          answer.on('data', (part: Buffer) => parts.push(part));
          answer.on('error', reject);
          answer.on('end', () => {
            const text = Buffer.concat(parts);
            const isGood = answer.statusCode !== undefined && answer.statusCode < 300;
            if (isGood) resolve(text);
            else reject(new Error(`${name} ${path}: ${answer.statusCode} ${text.toString('utf8', 0, 500)}`));
          });
        },
      );
      sent.on('error', reject);
      sent.end(body);
    });
  }
}

/** Posts bodies over a few connections, each waiting for its answer; how many seconds it took. */
export async function writeAll(target: Target, bodies: Iterator<Buffer>, connections = 4): Promise<number> {
  const client = new Client(target, connections);
  const startedAt = performance.now();
  const worker = async (): Promise<void> => {
    for (let next = bodies.next(); next.done !== true; next = bodies.next()) await client.write(next.value);
  };
  await Promise.all(Array.from({ length: connections }, worker));
  client.close();
  return (performance.now() - startedAt) / 1000;
}
