import { expect, it } from 'vitest';
import type { StateDatabase, StateTransaction } from '#storage';
import { generationOrder, registration, useTestFleet } from '../fleet.test-support.ts';

/** What the next transaction has to tell, kept back, as where PostgreSQL could not be asked about it for a while. */
let keptBack: (() => void)[] | null = null;

const withLateEffects = (database: StateDatabase): StateDatabase => ({
  ...database,
  transaction: (work, options) => {
    const kept = keptBack;
    keptBack = null;
    return database.transaction(
      (tx) => work(kept ? { ...tx, afterCommit: (effect) => void kept.push(effect) } : tx),
      options,
    );
  },
});

const running = useTestFleet({ ticks: 'none', around: withLateEffects });
const order = { agentId: 'a', reason: 'looks odd', traceparent: null };

/** @returns tells of what was done, at last */
async function toldLate(change: () => Promise<unknown>): Promise<() => void> {
  const effects: (() => void)[] = (keptBack = []);
  await change();
  expect(effects).not.toEqual([]);
  return () => effects.forEach((effect) => effect());
}

it('an agent stays as the last commit left it where an earlier one is told of later', async () => {
  const { agents } = running.fleet;
  await agents.register(registration('a'));
  const tell = await toldLate(() => agents.quarantine(order));
  await agents.release(order);
  tell();
  expect(agents.get('a')?.status).toBe('IDLE');
  expect([agents.countOf('IDLE'), agents.countOf('QUARANTINED')]).toEqual([1, 0]);
});

it('the nonce of a generation is known where its opening is told of after what followed', async () => {
  const { agents, generations } = running.fleet;
  const kept: (() => void)[] = [];
  const open = (nonce: string, more: Partial<StateTransaction> = {}) =>
    running.database.transaction((tx) =>
      generations.openGeneration({ ...tx, ...more }, generationOrder('a', { nonce })),
    );
  await open('one');
  await open('two', { afterCommit: (effect) => void kept.push(effect) });
  await agents.quarantine(order);
  kept.forEach((effect) => effect());
  expect(agents.get('a')).toMatchObject({ status: 'QUARANTINED', generation: 2 });
  await agents.release(order);
  await agents.register(registration('a', { generation: 2, nonce: 'two' }));
  expect(agents.get('a')).toMatchObject({ status: 'IDLE', nonceHash: expect.stringMatching(/./) });
});
