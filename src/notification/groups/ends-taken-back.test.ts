import { beforeEach, describe, expect, it } from 'vitest';
import {
  DELIVERED,
  failed,
  openNotificationStage,
  prepared,
  RecordingReceiver,
  testRoute,
  useTestNotification,
  type TestConfiguration,
} from '../notification.test-support.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const A = { alertname: 'A', group: 'one' };
const BEFORE = '{}:{group="one"}';

const test = useTestNotification();
const { pass } = test;
let ada: RecordingReceiver;
let grace: RecordingReceiver;

const toAda = testRoute({ receiver: 'ada' });
/** Other groups: as where a reload changes what alerts are grouped by. */
const parted = testRoute({ id: '{}/other', key: '{}/other', receiver: 'ada', groupWaitMs: MINUTE });

const configured = (changes: TestConfiguration): TestConfiguration => ({
  receivers: { ada: [ada], grace: [grace] },
  ...changes,
});
const reload = (changes: TestConfiguration): Promise<void> =>
  test.stage.notification.take(prepared(configured(changes)));

const WAYS: readonly (readonly [how: string, bring: (changes: TestConfiguration) => Promise<void>])[] = [
  ['another reload', reload],
  ['a start', (changes) => test.stage.restart(configured(changes))],
];

beforeEach(async () => {
  ada = new RecordingReceiver();
  grace = new RecordingReceiver();
  test.stage = await openNotificationStage(configured({ route: toAda }));
  await test.stage.alerts.fire({ a: A });
  await pass(11 * SECOND);
  expect(ada.take()).toEqual(['first_notification +a']);
  await reload({ route: parted });
  ada.answer = () => failed('connection', { retryable: true });
  await test.stage.alerts.resolve('a');
  await pass(2 * MINUTE);
  // The group that the reload has made tells an end of which it has told no beginning.
  expect(new Set(ada.take())).toEqual(new Set(['all_resolved -a']));
});

describe('an end that waits in a group which has told nothing, and that is taken away by', () => {
  describe.each(WAYS)('%s', (_, bring) => {
    it.each([
      ['back to the groups of before', { route: toAda }],
      [
        'to others, of another receiver',
        { route: testRoute({ id: '{}/x', key: '{}/x', receiver: 'grace' }) },
      ],
    ])('%s is told once, under the key of its beginning', async (__, changes) => {
      await bring(changes);
      ada.answer = () => DELIVERED;
      ada.messages.splice(0);
      await pass(10 * MINUTE);
      expect(ada.messages.map(({ reason, groupKey }) => [reason, groupKey])).toEqual([
        ['all_resolved', BEFORE],
      ]);
      expect([...test.stage.notification.dispatcher.groups()]).toEqual([]);
      const { reader } = test.stage.database;
      expect(await reader.selectFrom('notification_log').select('group_id').execute()).toEqual([]);
    });
  });
});
