import { expect, it } from 'vitest';
import { nextTurn } from '#telemetry';
import { registration, useTestFleet } from '../fleet.test-support.ts';

const LOCKS = 1000;

const stage = useTestFleet();

it('those who wait for the locks of one that leaves are woken in many turns of the event loop', async () => {
  const { agents, locks } = stage.fleet;
  for (const agentId of ['holder', 'waiter']) await agents.register(registration(agentId));
  const lockAll = (agentId: string) =>
    Array.from({ length: LOCKS }, (_, at) =>
      locks.acquire({
        agentId,
        generation: 1,
        resourceType: 'file',
        resourceName: `${at}`,
        mode: 'exclusive',
        ttlMs: 3_600_000,
        waitMs: 30_000,
        traceparent: null,
        signal: null,
      }),
    );
  await Promise.all(lockAll('holder'));
  const waiting = Promise.all(lockAll('waiter'));
  await agents.deregister({
    agentId: 'holder',
    generation: 1,
    reason: 'test',
    exit: null,
    traceparent: null,
  });
  const holders = new Set<string>();
  void waiting.then((woken) => woken.forEach((lock) => holders.add(lock.agent_id)));
  let turns = 0;
  for (; holders.size === 0; turns++) await nextTurn();
  // A hundred a turn, the first of them at once.
  expect(turns).toBeGreaterThanOrEqual(LOCKS / 100 - 1);
  expect(holders).toEqual(new Set(['waiter']));
});
