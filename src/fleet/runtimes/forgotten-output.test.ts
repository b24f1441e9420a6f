import { expect, it } from 'vitest';
import { generationOrder, useTestFleet } from '../fleet.test-support.ts';
import { forgottenOutput } from './forgotten-output.ts';

const running = useTestFleet();
const RETENTION_MS = 1000;

it('is that of agents that have no row any more, written longer ago than rows are kept', async () => {
  await running.database.transaction((tx) =>
    running.fleet.generations.openGeneration(tx, generationOrder('known', { nonce: 'n', poolId: 'pool' })),
  );
  const nowMs = running.clock.wallMs();
  const forgotten = forgottenOutput(running.database, running.clock, RETENTION_MS);
  const old = nowMs - RETENTION_MS - 1;
  expect(
    await forgotten([
      { agentId: 'known', changedAtMs: old },
      { agentId: 'gone', changedAtMs: old },
      { agentId: 'gone of late', changedAtMs: nowMs - RETENTION_MS },
      { agentId: 'empty', changedAtMs: -Infinity },
    ]),
  ).toEqual(['gone', 'empty']);
});
