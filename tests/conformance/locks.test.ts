import { describe, expect, it } from 'vitest';
import { codeOf, lockOf, useFleetOn } from './fleet.test-support.ts';
import { DATABASE_KINDS } from './state-databases.ts';

describe.each(DATABASE_KINDS)('the registry of locks on $name', (kind) => {
  describe.skipIf(!kind.available)('keeps its contract', () => {
    const stage = useFleetOn(kind);

    it('gives an exclusive lock to one of many that ask at once', async () => {
      const agentIds = Array.from({ length: 20 }, (_, at) => `agent-${at}`);
      await stage.register(...agentIds);
      const outcomes = await Promise.allSettled(agentIds.map((id) => stage.fleet.locks.acquire(lockOf(id))));
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      const codes = outcomes.flatMap((outcome) =>
        outcome.status === 'rejected' ? [codeOf(outcome.reason)] : [],
      );
      expect(new Set(codes)).toEqual(new Set(['lock_held']));
    });

    it('serves those who wait for a lock in their order, with tokens that grow', async () => {
      const agentIds = Array.from({ length: 10 }, (_, at) => `agent-${at}`);
      await stage.register(...agentIds);
      const order: string[] = [];
      const tokens: number[] = [];
      let holders = 0;
      await Promise.all(
        agentIds.map(async (agentId) => {
          const lock = await stage.fleet.locks.acquire(lockOf(agentId, { waitMs: 20_000 }));
          expect(++holders).toBe(1);
          order.push(agentId);
          tokens.push(lock.fencing_token);
          await new Promise((resolve) => setImmediate(resolve));
          holders--;
          await stage.fleet.locks.release(lock.lock_id, { agentId, generation: 1, traceparent: null });
        }),
      );
      expect(order).toEqual(agentIds);
      expect(tokens.every((token, at) => at === 0 || token > (tokens[at - 1] ?? 0))).toBe(true);
      // What nobody holds any more is not remembered.
      expect(stage.fleet.feed.snapshot().locks).toEqual([]);
    });

    it('lets shared locks go together, and nobody overtake an exclusive one that waits', async () => {
      await stage.register('a', 'b', 'c');
      const shared = { mode: 'shared' };
      const first = await stage.fleet.locks.acquire(lockOf('a', shared));
      const writer = stage.fleet.locks.acquire(lockOf('b', { waitMs: 20_000 }));
      await expect(stage.fleet.locks.acquire(lockOf('c', shared))).rejects.toMatchObject({
        code: 'lock_held',
      });
      await stage.fleet.locks.release(first.lock_id, { agentId: 'a', generation: 1, traceparent: null });
      const held = await writer;
      const readers = ['a', 'c'].map((id) =>
        stage.fleet.locks.acquire(lockOf(id, { ...shared, waitMs: 20_000 })),
      );
      await stage.fleet.locks.release(held.lock_id, { agentId: 'b', generation: 1, traceparent: null });
      expect(await Promise.all(readers)).toHaveLength(2);
    });

    it('frees a lock that has run out, and refuses its former holder', async () => {
      await stage.register('a', 'b');
      const lost = await stage.fleet.locks.acquire(lockOf('a', { ttlMs: 50 }));
      const next = await stage.fleet.locks.acquire(lockOf('b', { waitMs: 20_000 }));
      expect(next.fencing_token).toBeGreaterThan(lost.fencing_token);
      const holder = { agentId: 'a', generation: 1, traceparent: null };
      expect(() => stage.fleet.locks.renew(lost.lock_id, holder)).toThrow(
        expect.objectContaining({ code: 'lock_lost' }),
      );
      await expect(stage.fleet.locks.release(lost.lock_id, holder)).rejects.toMatchObject({
        code: 'lock_lost',
      });
    });

    it('lets an older generation neither renew nor release its lock', async () => {
      await stage.openGeneration('m', 'nonce 1');
      await stage.registerManaged('m', 1, 'nonce 1');
      const lock = await stage.fleet.locks.acquire(lockOf('m'));
      await stage.openGeneration('m', 'nonce 2');
      const old = { agentId: 'm', generation: 1, traceparent: null };
      await expect(stage.fleet.locks.release(lock.lock_id, old)).rejects.toMatchObject({
        code: 'generation_superseded',
      });
      expect(() => stage.fleet.locks.renew(lock.lock_id, old)).toThrow(
        expect.objectContaining({ code: 'generation_superseded' }),
      );
      await stage.database.transaction((tx) =>
        stage.fleet.generations.recordExit(tx, {
          ...old,
          exitCode: 0,
          signal: null,
          asked: null,
          once: true,
        }),
      );
      await expect(stage.fleet.locks.get(lock.lock_id)).rejects.toMatchObject({ code: 'unknown_lock' });
    });
  });
});
