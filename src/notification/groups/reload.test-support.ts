import { expect } from 'vitest';
import {
  openNotificationStage,
  prepared,
  testRoute,
  type NotificationStage,
  type TestConfiguration,
  type TestNotification,
} from '../notification.test-support.ts';

/** Two alerts that one group tells together. */
export const A = { alertname: 'A', group: 'one' };
export const B = { alertname: 'B', group: 'one' };

/** Makes the groups of a route other ones, as where a reload changes the matchers on the way to it. */
const OTHER = { id: '{}/other', key: '{}/other' };

/** A route of other groups, to a receiver. */
export const parted = (receiver: string) => testRoute({ ...OTHER, receiver });

/** Notification of which a test changes the configuration. Each is what `configured` makes of what is otherwise in it. */
export function reloading(
  test: TestNotification,
  configured: (changes: TestConfiguration) => TestConfiguration,
) {
  return {
    open: async (changes: TestConfiguration): Promise<void> => {
      test.stage = await openNotificationStage(configured(changes));
    },
    reload: (changes: TestConfiguration): Promise<void> =>
      test.stage.notification.take(prepared(configured(changes))),
    restart: (changes: TestConfiguration): Promise<void> => test.stage.restart(configured(changes)),
    /** The process is killed now, and another one begins with that configuration. */
    reviveWith: async (changes: TestConfiguration): Promise<void> => {
      test.stage.killAfterCommits(0);
      await test.stage.revive(configured(changes));
    },
  };
}

/** Some of the two alerts fire together. */
export function fireTogether(
  { alerts }: Pick<NotificationStage, 'alerts'>,
  alertIds: readonly ('a' | 'b')[],
): Promise<void> {
  return alerts.fire(Object.fromEntries(alertIds.map((id) => [id, id === 'a' ? A : B])));
}

/** There is no group, and nothing is remembered of what was told. */
export async function expectNothingKept({
  notification,
  database: { reader },
}: Pick<NotificationStage, 'notification' | 'database'>): Promise<void> {
  expect([...notification.dispatcher.groups()]).toEqual([]);
  expect(await reader.selectFrom('notification_log').select('group_id').execute()).toEqual([]);
  expect(await reader.selectFrom('notification_alerts').select('alert_id').execute()).toEqual([]);
}
