import { afterEach, beforeEach, expect, it } from 'vitest';
import { openTestStateDatabase, type StateDatabase } from '#storage';
import { VirtualClock } from '#telemetry';
import {
  insertNotifications,
  maxSupersededPerStatement,
  readPending,
  supersedeNotifications,
} from './outbox-rows.ts';

let database: StateDatabase;
let clock: VirtualClock;
beforeEach(async () => {
  clock = new VirtualClock();
  database = await openTestStateDatabase(clock, 'none');
});
afterEach(() => database.close());

const idOf = (at: number): string => `ntf_${String(at).padStart(5, '0')}`;

it.each([0, 1, maxSupersededPerStatement, maxSupersededPerStatement + 1, 2 * maxSupersededPerStatement + 1])(
  '%i messages at once give their place to others, and no other does',
  async (count) => {
    const notifications = Array.from({ length: count + 1 }, (_, at) => ({
      id: idOf(at),
      groupId: 'grp_1',
      groupKey: '{}:{}',
      integration: 'team/webhook/0',
      reason: 'first_notification' as const,
      note: null,
      routeLabels: {},
      groupLabels: {},
      receiver: 'team',
      members: [['a', null] as const],
      truncated: 0,
      severity: null,
      firing: new Set<string>(),
      resolved: new Set<string>(),
      createdAtMs: 1,
      traceparent: null,
    }));
    await database.transaction((tx) => insertNotifications(tx, notifications));
    const ids = notifications.slice(0, count).map(({ id }) => id);
    await database.transaction((tx) => supersedeNotifications(tx, ids, 7));
    expect((await readPending(database, clock)).map(({ notification }) => notification.id)).toEqual([
      idOf(count),
    ]);
    const rows = await database.reader
      .selectFrom('notifications')
      .select('finished_at_ms')
      .where('state', '=', 'superseded')
      .execute();
    expect(rows).toEqual(Array.from({ length: count }, () => ({ finished_at_ms: 7 })));
  },
);
