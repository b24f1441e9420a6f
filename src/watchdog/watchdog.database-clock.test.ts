import { expect, it } from 'vitest';
import { useDemoStage } from './demo-stage.test-support.ts';
import { becomes, heldBy, RESTART, silent } from './watchdog.test-support.ts';

const stage = useDemoStage();

it.each([
  { where: 'ahead of', byMs: 60_000 },
  { where: 'behind', byMs: -60_000 },
])(
  'distrusts itself for as long as it has to, on a database whose clock is $where its own',
  async ({ byMs }) => {
    await stage.openEmpty([RESTART], {}, (database) => ({
      ...database,
      transaction: (work, options) =>
        database.transaction((tx) => work({ ...tx, nowMs: tx.nowMs + byMs }), options),
    }));
    stage.fleet.addAgent('w-1');
    stage.watchdog.databaseFailed('it was away');
    await stage.alerts.raise('a-1', silent('w-1'));
    await heldBy(stage, 'a-1', 'self_suspicion');
    await stage.clock.advance(14_000);
    expect(stage.fleet.restarts).toEqual([]);
    await stage.clock.advance(2000);
    await becomes(stage, 'a-1', 'verifying');
  },
);
