import { beforeEach, describe, expect, it } from 'vitest';
import { registration, useTestFleet } from '../fleet.test-support.ts';

describe('a lock whose asker has gone', () => {
  /** What happens before the next transactions are committed, behind their work. */
  let beforeCommit: () => unknown = () => {};
  const test = useTestFleet({
    around: (database) => ({
      ...database,
      transaction: (work, options) =>
        database.transaction(async (tx) => {
          const result = await work(tx);
          beforeCommit();
          return result;
        }, options),
    }),
  });

  beforeEach(async () => {
    beforeCommit = () => {};
    for (const agentId of ['a', 'b']) await test.fleet.agents.register(registration(agentId));
  });

  const lock = (agentId: string, signal: AbortSignal | null = null) =>
    test.fleet.locks.acquire({
      agentId,
      generation: 1,
      resourceType: 'file',
      resourceName: 'a',
      mode: 'exclusive',
      ttlMs: 3_600_000,
      waitMs: 0,
      traceparent: null,
      signal,
    });

  it('while it was committed is free again', async () => {
    const gone = new AbortController();
    beforeCommit = () => gone.abort();
    await expect(lock('a', gone.signal)).rejects.toMatchObject({ code: 'lock_held' });
    expect(await lock('b')).toMatchObject({ agent_id: 'b' });
  });

  it('before its turn came was never taken', async () => {
    let commits = 0;
    beforeCommit = () => commits++;
    await expect(lock('a', AbortSignal.abort())).rejects.toMatchObject({ code: 'lock_held' });
    expect(commits).toBe(0);
    expect(await lock('b')).toMatchObject({ agent_id: 'b' });
  });

  it('stays where it held it before', async () => {
    const { lock_id: lockId } = await lock('a');
    const gone = new AbortController();
    beforeCommit = () => gone.abort();
    expect(await lock('a', gone.signal)).toMatchObject({ lock_id: lockId });
    await expect(lock('b')).rejects.toMatchObject({ code: 'lock_held' });
  });
});
