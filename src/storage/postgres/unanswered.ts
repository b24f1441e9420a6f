import type { Socket } from 'node:net';
import { Client, type ClientConfig } from 'pg';
import type { Clock } from '#telemetry';
import type { StalledStatements } from './stalled-statements.ts';

/** A commit is a few writes to a log. Without an answer for so long the connection leads nowhere. */
const maxCommitMs = 30_000;

/**
 * Ends a connection whose answer does not come in time: one that leads nowhere (a firewall forgot it, a proxy swallows)
 * stays open for hours, and all that waits for it waits as long. What waits is refused as on a connection that broke.
 */
export async function answeredWithin<Answer>(
  ask: () => Promise<Answer>,
  {
    client,
    clock,
    maxMs,
  }: { readonly client: Pick<Client, 'end'>; readonly clock: Clock; readonly maxMs: number },
): Promise<Answer> {
  const timer = clock.after(maxMs, () => void client.end());
  try {
    return await ask();
  } finally {
    timer.cancel();
  }
}

/** How long the other end of a connection may take to say goodbye. */
const maxGoodbyeMs = 5000;

/** Ends a connection, and cuts it off where the other end does not say goodbye. Never rejects. */
export async function endConnection(client: Client, clock: Clock): Promise<void> {
  // What pg's types leave out: https://github.com/brianc/node-postgres/blob/master/packages/pg/lib/client.js
  const { stream } = (client as unknown as { readonly connection: { readonly stream: Socket } }).connection;
  const timer = clock.after(maxGoodbyeMs, () => stream.destroy());
  await client.end().catch(() => undefined);
  timer.cancel();
}

/**
 * Connections for a pool, or alone, each of which ends when PostgreSQL does not answer a commit: then it is asked on another one.
 * @param stalled is told of all other statements
 */
export function clientsOf(clock: Clock, stalled: StalledStatements): new (config?: ClientConfig) => Client {
  return class extends Client {
    constructor(config?: ClientConfig) {
      super(config);
      this.query = new Proxy(super.query.bind(this), {
        apply: (query, _client, asked: readonly unknown[]): unknown => {
          const answer: unknown = Reflect.apply(query, this, asked);
          if (!(answer instanceof Promise)) return answer;
          if (asked[0] !== 'commit') {
            const end = stalled.begin(this);
            answer.then(end, end);
            return answer;
          }
          return answeredWithin(() => answer, { client: this, clock, maxMs: maxCommitMs });
        },
      });
    }
  };
}
