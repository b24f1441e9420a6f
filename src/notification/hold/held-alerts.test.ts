import { expect, it } from 'vitest';
import { createEventBus } from '#eventbus';
import { openTestStateDatabase } from '#storage';
import { createSeededRandom, SelfMetrics, silentLogger, toRfc3339, VirtualClock } from '#telemetry';
import { testRoute } from '../notification.test-support.ts';
import type { AlertTriggered } from '../ports.ts';
import { maxHeldAlerts, RemediationHolds } from './remediation-holds.ts';

const PER_INSERT = 1_000;

it(`${maxHeldAlerts} alerts are held back at once: of those that come together, too, the others are told of`, async () => {
  const clock = new VirtualClock();
  const database = await openTestStateDatabase(clock, 'none');
  const metrics = new SelfMetrics();
  const base = { database, clock, random: createSeededRandom(1), metrics };
  const bus = createEventBus({ ...base, logger: silentLogger });
  const untilMs = clock.wallMs() + 60_000;
  const held = (alertId: string) => ({
    alert_id: alertId,
    policy: 'restart_it',
    target: 'agent:w-1',
    severity: 'warning',
    labels: '{}',
    receivers: '["team"]',
    until_ms: untilMs,
    state: 'held' as const,
    steps: '[]',
    reason: 'restart_it works on it',
  });
  const rows = Array.from({ length: maxHeldAlerts - 1 }, (_, at) => held(`a${at}`));
  await database.transaction(async (tx) => {
    for (let at = 0; at < rows.length; at += PER_INSERT) {
      const some = rows.slice(at, at + PER_INSERT);
      await tx.db.insertInto('notification_holds').values(some).execute();
    }
  });
  const told: string[] = [];
  const holds = new RemediationHolds({
    database,
    bus,
    metrics,
    remediations: {
      outlookOf: () => ({ acts: true, policy: 'restart_it', target: 'agent:w-1', heldBy: null }),
      whyNotActing: () => null,
    },
    decisions: {
      record: (decision) => {
        told.push(`${decision.alertId} ${decision.decision}: ${decision.reason}`);
      },
      wasRecorded: () => undefined,
    },
    onOutdated: () => undefined,
  });
  await holds.start();
  const route = testRoute({ omoi: { ...testRoute().omoi, holdForRemediationMs: 60_000 } });
  const triggered = (alertId: string) =>
    ({
      id: 1,
      at: toRfc3339(clock.wallMs()),
      event_type: 'monitor.alert.triggered',
      entity_type: 'alert',
      entity_id: alertId,
      traceparent: null,
      payload: {
        alert_id: alertId,
        rule_id: 'g/r',
        severity: 'warning',
        metric_name: null,
        current_value: 1,
        threshold: null,
        labels: {},
      },
    }) satisfies AlertTriggered;
  const context = {
    routesOf: () => [{ route, groupKey: '', groupLabels: {} }],
    isOver: () => false,
    isTold: () => false,
  };
  await database.transaction((tx) => holds.follow(tx, [triggered('last'), triggered('over')], context));
  expect(holds.get('last')?.state).toBe('held');
  expect(holds.get('over')).toBeNull();
  expect(told).toContain(`over not held: ${maxHeldAlerts} alerts are held back already`);
  expect(told.filter((line) => line.startsWith('last'))).not.toContainEqual(
    expect.stringContaining('not held'),
  );
  await bus.stop();
  await database.close();
});
