import { beforeEach, describe, expect, it } from 'vitest';
import { claimOf, registration, task, useTestFleet } from '../fleet.test-support.ts';

const AGENTS = 2000;
const TTL_MS = 3500;
/** Fewer than share one transaction. */
const SHARED = 50;

describe('two thousand agents at once', () => {
  let transactions = 0;
  const running = useTestFleet({
    around: (database) => ({
      ...database,
      transaction: (work) => {
        transactions++;
        return database.transaction(work);
      },
    }),
  });

  beforeEach(async () => {
    const names = Array.from({ length: AGENTS }, (_, number) => `agent-${number}`);
    await Promise.all(names.map((name) => running.fleet.agents.register(registration(name))));
  });

  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  /** Moves time in ticks, and lets what they started end. */
  async function pass(ms: number, meanwhile: () => void = () => {}): Promise<void> {
    for (let passedMs = 0; passedMs < ms; passedMs += 100) {
      meanwhile();
      await running.clock.advance(100);
      for (let turns = 0; turns < 20; turns++) await turn();
    }
  }
  const statuses = (): ReadonlySet<string> =>
    new Set(running.fleet.feed.snapshot().agents.map(({ status }) => status));

  it('have their beats written in small transactions, so that others get in between', async () => {
    const names = Array.from({ length: AGENTS }, (_, number) => `agent-${number}`);
    const beat = (agentId: string): void => {
      const quiet = { degraded: false, reason: null, inFlight: 0, nonce: null };
      running.fleet.heartbeats.take({ agentId, generation: 1, sequence: 1, ...quiet });
    };
    for (const name of names) beat(name);
    transactions = 0;
    await running.stop();
    expect(transactions).toBeGreaterThanOrEqual(AGENTS / 200);
    const { written } = await running.database.reader
      .selectFrom('agent_beats')
      .select((select) => select.fn.countAll<number>().as('written'))
      .executeTakeFirstOrThrow();
    expect(written).toBe(AGENTS);
  });

  it('fall silent in few transactions, and one that beats among them stays well', async () => {
    await running.fleet.agents.register(registration('well'));
    let sequence = 0;
    const beat = (): void => {
      running.fleet.heartbeats.take({
        agentId: 'well',
        generation: 1,
        sequence: ++sequence,
        degraded: false,
        reason: null,
        inFlight: 0,
        nonce: null,
      });
    };
    transactions = 0;
    await pass(TTL_MS + 2500, beat);
    expect(statuses()).toEqual(new Set(['UNRESPONSIVE', 'IDLE']));
    expect(running.fleet.agents.get('well')?.status).toBe('IDLE');
    // Three steps each: a warning, DEGRADED, UNRESPONSIVE. The first of a batch goes alone.
    expect(transactions).toBeLessThan((3 * AGENTS) / SHARED + 100);
    expect(await running.bus.list({ types: ['fleet.agent.status_changed'], limit: 1000 })).toHaveLength(1000);
  }, 60_000);

  it('lose their leases in few transactions', async () => {
    const { tasks } = running.fleet;
    for (let batch = 0; batch < AGENTS / 500; batch++) {
      await tasks.enqueue(
        Array.from({ length: 500 }, () => task()),
        null,
      );
    }
    const names = Array.from({ length: AGENTS }, (_, number) => `agent-${number}`);
    const claimed = await Promise.all(names.map((name) => tasks.claim(claimOf(name, { leaseMs: 1000 }))));
    expect(claimed.flat()).toHaveLength(AGENTS);
    transactions = 0;
    await pass(4000);
    const list = { states: ['claimed' as const], phaseId: null, agentId: null, after: null, limit: 1 };
    expect(await tasks.list(list)).toEqual([]);
    expect(transactions).toBeLessThan(AGENTS / SHARED + (3 * AGENTS) / SHARED + 200);
  }, 60_000);
});
