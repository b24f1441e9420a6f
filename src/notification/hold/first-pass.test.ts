import { afterEach, expect, it } from 'vitest';
import {
  openNotificationStage,
  RecordingReceiver,
  testRoute,
  type NotificationStage,
} from '../notification.test-support.ts';

const A = { alertname: 'A', group: 'one' };
const MINUTE = 60_000;
let stage: NotificationStage;
let mayWrite: PromiseWithResolvers<void>;
afterEach(() => {
  mayWrite.resolve();
  return stage.close();
});

/** Notification whose next transaction of a pass waits, once it was asked for. */
async function openWithSlowWrite(omoi: Parameters<typeof testRoute>[0]) {
  const team = new RecordingReceiver();
  const isAsked = Promise.withResolvers<void>();
  mayWrite = Promise.withResolvers<void>();
  let isSlow = false;
  stage = await openNotificationStage(
    {
      route: testRoute({ groupWaitMs: 0, groupIntervalMs: 10 * MINUTE, ...omoi }),
      receivers: { team: [team] },
      outlookOf: (alertId) =>
        alertId === 'b'
          ? { acts: false, reason: 'no policy is for it' }
          : { acts: true, policy: 'restart_it', target: 'agent:w-1', heldBy: null },
    },
    (database) => ({
      ...database,
      async transaction(work, options) {
        // The first that is written once alerts are known is the pass of their group.
        if (
          isSlow &&
          options?.urgent !== undefined &&
          stage.notification.dispatcher.membership.firing.size > 0
        ) {
          isSlow = false;
          isAsked.resolve();
          await mayWrite.promise;
        }
        return database.transaction(work, options);
      },
    }),
  );
  return {
    team,
    slow: () => {
      isSlow = true;
      return isAsked.promise;
    },
    write: () => mayWrite.resolve(),
  };
}

it('a verdict that comes while the first pass is being written is told at once, not at the deadline', async () => {
  const omoi = { ...testRoute().omoi, holdForRemediationMs: MINUTE };
  const { team, slow, write } = await openWithSlowWrite({ omoi });
  const asked = slow();
  await stage.alerts.fire({ a: A, b: { ...A, alertname: 'B' } });
  await stage.clock.advance(0);
  await asked;
  await stage.tell({
    event_type: 'watchdog.remediation.completed',
    entity_type: 'remediation',
    entity_id: 'r',
    traceparent: null,
    payload: {
      remediation_id: 'r',
      policy: 'restart_it',
      alert_id: 'a',
      target: 'agent:w-1',
      outcome: 'failed',
      duration_ms: 1,
    },
  });
  await stage.clock.advance(0);
  expect(stage.notification.holds.get('a')?.state).toBe('released');
  write();
  await stage.clock.advance(1_000);
  expect(team.take().join()).toContain('+a');
});

it('what is critical does not wait for the interval of a group whose first pass is being written', async () => {
  const omoi = { ...testRoute().omoi, criticalBypassesInterval: true };
  const { team, slow, write } = await openWithSlowWrite({ omoi });
  const asked = slow();
  await stage.alerts.fire({ b: A });
  await stage.clock.advance(0);
  await asked;
  await stage.alerts.fire({ c: { ...A, severity: 'critical' } });
  await stage.clock.advance(0);
  write();
  await stage.clock.advance(1_000);
  expect(team.take().join()).toContain('+c');
});
