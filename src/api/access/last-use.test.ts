import { expect, test } from 'vitest';
import { openTestStateDatabase, type StateDatabase } from '#storage';
import { createSeededRandom, silentLogger, VirtualClock } from '#telemetry';
import { mintAgentToken } from './agent-tokens.ts';
import { LastUse } from './last-use.ts';
import { createTokenStore } from './token-store.ts';

const tokenOf = (id: string) => ({
  id,
  name: id,
  role: 'agent' as const,
  scope: null,
  secret_hash: id,
  prefix: 'p',
  created_at_ms: 1,
  created_by: 'somebody',
  expires_at_ms: null,
  last_used_at_ms: null,
  revoked_at_ms: null,
  revoked_by: null,
});

/** A database that counts transactions, and refuses the one with this number (from 1). */
function counted(database: StateDatabase, refused = Infinity) {
  const seen = { transactions: 0 };
  const observed: StateDatabase = {
    ...database,
    transaction(work) {
      if (++seen.transactions === refused) return Promise.reject(new Error('away'));
      return database.transaction(work);
    },
  };
  return { seen, observed };
}

test('the last use of many tokens is written in small transactions, and what was refused is written later', async () => {
  const clock = new VirtualClock();
  const database = await openTestStateDatabase(clock);
  const ids = Array.from({ length: 450 }, (_, at) => `token${at}`);
  await database.transaction(async (tx) => {
    for (const id of ids) await tx.db.insertInto('access_tokens').values(tokenOf(id)).execute();
  });
  const { seen, observed } = counted(database, 2);
  const lastUse = new LastUse({ database: observed, clock, logger: silentLogger });
  const written = async (): Promise<number> => {
    const rows = await database.reader
      .selectFrom('access_tokens')
      .select('id')
      .where('last_used_at_ms', 'is not', null)
      .execute();
    return rows.length;
  };
  for (const id of ids) lastUse.note(id);
  await lastUse.flush();
  expect(await written()).toBe(200);
  await lastUse.flush();
  expect(await written()).toBe(450);
  expect(seen.transactions).toBe(4);
  await lastUse.stop();
  await database.close();
});

test('an agent’s tokens are told from those of agents whose ids begin alike, and found by the index of names', async () => {
  const clock = new VirtualClock();
  const database = await openTestStateDatabase(clock);
  const tokens = createTokenStore({ database, random: createSeededRandom(1) });
  const mint = (agentId: string) =>
    database.transaction((tx) =>
      mintAgentToken(tx, tokens, { agentId, generation: 1, poolId: null, enqueueFor: [] }),
    );
  for (const agentId of ['a', 'a0', 'a_', 'a-1', 'a%']) await mint(agentId);
  expect((await mint('a')).revoked).toEqual([]);
  expect((await mint('a')).revoked).toHaveLength(1);
  const names = await database.reader.selectFrom('access_tokens').select('name').orderBy('name').execute();
  expect(names.map(({ name }) => name)).toEqual([
    'agent/a%/1',
    'agent/a-1/1',
    'agent/a/1',
    'agent/a/2',
    'agent/a/3',
    'agent/a0/1',
    'agent/a_/1',
  ]);
  await database.close();
});
