import { describe, expect, it, vi } from 'vitest';
import { OmoiError } from '#telemetry';
import { CountedDatabase } from './counted-database.test-support.ts';
import { TroubledDatabase } from './troubled-database.test-support.ts';
import { useDemoStage } from './demo-stage.test-support.ts';
import { becomes, becomesInTime, heldBy, RESTART, silent, stateOf } from './watchdog.test-support.ts';

const stage = useDemoStage();

describe('a few new remediations', () => {
  it('start with the transaction that plans them, and the order follows from it', async () => {
    const counted = new CountedDatabase();
    await stage.openEmpty([RESTART], {}, (database) => counted.around(database));
    stage.fleet.addAgent('w-1');
    stage.fleet.addAgent('w-2');
    await stage.alerts.raise('first', silent('w-2'));
    await becomes(stage, 'first', 'verifying');
    counted.reset();
    await stage.alerts.raise('a1', silent('w-1'));
    await becomes(stage, 'a1', 'verifying');
    // One plans, decides and counts the attempt; the other records what came of it and begins to verify.
    expect(counted.transactions).toBe(2);
  });

  it('on one target take their turns: one starts, the other is held back', async () => {
    await stage.openEmpty([RESTART, RESTART.replace('restart_it', 'twin')]);
    stage.fleet.addAgent('w-1');
    await stage.alerts.raise('a1', silent('w-1'));
    await vi.waitFor(async () => {
      const details = await stage.archive.list({ alertId: 'a1', limit: 2 });
      const seen = details.map(({ remediation, suppressions }) =>
        [remediation.state, ...suppressions.map(({ guard }) => guard)].join(' '),
      );
      expect(new Set(seen)).toEqual(new Set(['planned one_per_target', 'verifying']));
    });
    expect(stage.fleet.restarts).toHaveLength(1);
  });
});

describe('many new remediations', () => {
  it('leave a place among the first to the one of another policy that comes with them', async () => {
    const other = RESTART.replace('restart_it', 'other').replace('"Silent"', '"Failed"');
    await stage.openEmpty([RESTART, other]);
    const many = Object.fromEntries(Array.from({ length: 20 }, (_, at) => [`a${at}`, silent(`w-${at}`)]));
    for (let at = 0; at <= 20; at++) stage.fleet.addAgent(`w-${at}`);
    await stage.alerts.raiseAll({ ...many, last: { alertname: 'Failed', agent_id: 'w-20' } });
    await becomesInTime(stage, 'last', 'verifying');
    const first = (await stage.events()).find(
      ({ event_type: type }) => type === 'watchdog.remediation.started',
    );
    expect(first?.payload).toMatchObject({ alert_id: 'last' });
  });
});

describe('a transaction that plans and decides', () => {
  const troubled = new TroubledDatabase();
  const open = async (): Promise<void> => {
    await stage.openEmpty([RESTART], {}, (database, clock) => troubled.around(database, clock));
    stage.fleet.addAgent('w-1');
    // The consumer has found its place in the log.
    stage.fleet.addAgent('w-2');
    await stage.alerts.raise('first', silent('w-2'));
    await becomes(stage, 'first', 'verifying');
  };

  it('gives its places back where it is rolled back, and is made again', async () => {
    await open();
    troubled.troubles = ['fails_before_commit', 'fails_before_commit'];
    await stage.alerts.raise('a1', silent('w-1'));
    await becomesInTime(stage, 'a1', 'verifying');
    expect(troubled.troubles).toEqual([]);
    expect(stage.fleet.restarts.filter(({ agentId }) => agentId === 'w-1')).toHaveLength(1);
    // Of what was rolled back there is no span.
    const began = stage.tracing.spans.filter(
      ({ name, isEnded }) => name === 'watchdog.remediation' && isEnded,
    );
    expect(began).toEqual([]);
  });

  it('gives its token back where it is rolled back: the next one is not made to wait for another', async () => {
    const policy = RESTART.replace('max_parallel: 2', 'max_parallel: 2, repair_burst: 1, repair_every: 1h');
    await stage.openEmpty([policy], {}, (database, clock) => troubled.around(database, clock));
    stage.fleet.addAgent('w-1', { status: 'FAILED' });
    stage.fleet.addAgent('w-2');
    await stage.alerts.raise('first', silent('w-2'));
    await becomes(stage, 'first', 'verifying');
    troubled.troubles = ['fails_before_commit', 'fails_before_commit'];
    await stage.alerts.raise('a1', silent('w-1'));
    await stage.clock.advance(5000);
    await becomes(stage, 'a1', 'verifying');
    expect(troubled.troubles).toEqual([]);
  });

  it('keeps its places where it is written after all, until that is taken up', async () => {
    await open();
    troubled.troubles = ['fails_after_commit'];
    await stage.alerts.raise('a1', silent('w-1'));
    await becomes(stage, 'a1', 'executing');
    await stage.alerts.raise('a2', silent('w-1'));
    // The consumer tries again.
    await stage.clock.advance(100);
    await heldBy(stage, 'a2', 'one_per_target');
    expect(stage.fleet.restarts.filter(({ agentId }) => agentId === 'w-1')).toEqual([]);
    await becomesInTime(stage, 'a1', 'verifying');
    expect(stage.fleet.restarts.filter(({ agentId }) => agentId === 'w-1')).toHaveLength(1);
    expect(await stateOf(stage, 'a2')).toBe('planned');
  });

  it('gives its target back where it fails, though its commit would not have been answered', async () => {
    await open();
    stage.fleet.addAgent('w-3');
    // Both together, then the first one by itself: the cursor has moved meanwhile, so that it is rolled back.
    troubled.troubles = ['fails_after_commit', 'fails_after_commit'];
    await stage.alerts.raiseAll({ a1: silent('w-1'), a2: silent('w-3') });
    await stage.clock.advance(200);
    expect(troubled.troubles).toEqual([]);
    await becomesInTime(stage, 'a1', 'verifying');
    await becomesInTime(stage, 'a2', 'verifying');
  });
});

describe('a watchdog that is stopped', () => {
  it('does not wait for a transaction of which nobody knows whether it is on disk', async () => {
    let isAway = false;
    let unknown = 0;
    await stage.openEmpty([RESTART], {}, (database) => ({
      ...database,
      async transaction(work, options) {
        if (!isAway) return database.transaction(work, options);
        await database.transaction((tx) => work({ ...tx, afterCommit() {}, afterRollback() {} }), options);
        unknown++;
        throw new OmoiError('commit_unknown', 'simulated: nobody knows');
      },
    }));
    stage.fleet.addAgent('w-1');
    isAway = true;
    await stage.alerts.raise('a1', silent('w-1'));
    await vi.waitFor(() => expect(unknown).toBeGreaterThan(0));
    await stage.close();
  });
});
