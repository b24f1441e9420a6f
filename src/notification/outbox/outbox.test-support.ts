import { RecordingReceiver } from '../notification.test-support.ts';
import type { Notification } from './outbox-rows.ts';
import type { RunningIntegration } from './running-integration.ts';

/** A message about one alert, to the first webhook of `team`. */
export const testNotification: Notification = {
  id: 'ntf_1',
  groupId: 'grp_1',
  groupKey: '{}:{}',
  integration: 'team/webhook/0',
  reason: 'first_notification',
  note: null,
  routeLabels: {},
  groupLabels: {},
  receiver: 'team',
  members: [['a', null]],
  truncated: 0,
  severity: null,
  firing: new Set(),
  resolved: new Set(),
  createdAtMs: 1,
  traceparent: null,
};

/** The first webhook of a receiver, which takes everything. */
export function testIntegration(receiver: string): RunningIntegration {
  return {
    key: `${receiver}/webhook/0`,
    receiver,
    note: null,
    rateLimit: null,
    integration: new RecordingReceiver(),
    settings: null,
  };
}
