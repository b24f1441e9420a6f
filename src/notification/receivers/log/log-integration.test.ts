import { expect, it } from 'vitest';
import { silentLogger, type Logger } from '#telemetry';
import { openNotificationStage } from '../../notification.test-support.ts';
import { createLogIntegration, maxNamedAlerts } from './log-integration.ts';

it.each([
  [maxNamedAlerts, 0],
  [maxNamedAlerts + 1, 1],
])(`of %i alerts of a group names ${maxNamedAlerts}, and counts %i more`, async (count, more) => {
  const lines: { readonly alerts?: readonly unknown[]; readonly more?: number }[] = [];
  const write: Logger['warn'] = (facts: object) => void lines.push(facts);
  const log = createLogIntegration({ ...silentLogger, warn: write, error: write });
  const stage = await openNotificationStage({ receivers: { team: [log] } });
  try {
    const all = Array.from({ length: count }, (_, at) => [`a${at}`, { alertname: `A${at}` }] as const);
    await stage.alerts.fire(Object.fromEntries(all));
    await stage.clock.advance(60_000);
    expect(lines.map(({ alerts, more: others }) => [alerts?.length, others])).toEqual([
      [maxNamedAlerts, more],
    ]);
  } finally {
    await stage.close();
  }
});
