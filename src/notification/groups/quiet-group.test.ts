import { afterEach, beforeEach, expect, it } from 'vitest';
import {
  openNotificationStage,
  RecordingReceiver,
  type NotificationStage,
} from '../notification.test-support.ts';
import type { MuteStage } from '../stages/mute-stage.ts';
import { isStillQuiet, maxQuietMembers } from './quiet-group.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
let stage: NotificationStage;
let team: RecordingReceiver;
let isMuted: boolean;
/** How often an alert was judged since it was asked before. */
let judged: number;

const watched: MuteStage = {
  judge() {
    judged++;
    return isMuted ? { stage: 'silence', reason: 'for the test' } : null;
  },
};

beforeEach(async () => {
  isMuted = false;
  judged = 0;
  team = new RecordingReceiver();
  stage = await openNotificationStage({ receivers: { team: [team] }, stages: [watched] });
  await stage.alerts.fire({ a: { alertname: 'A' } });
  await stage.clock.advance(MINUTE);
  expect(team.take()).toEqual(['first_notification +a']);
  await stage.clock.advance(20 * MINUTE);
  expect(team.take()).toEqual([]);
});
afterEach(() => stage.close());

it('is looked at in each interval all the same, and repeated in time', async () => {
  const [group] = stage.notification.dispatcher.groups();
  expect(group?.quiet).toMatchObject({ changes: 1 });
  judged = 0;
  await stage.clock.advance(5 * MINUTE);
  expect(judged).toBe(5);
  await stage.clock.advance(HOUR);
  expect(team.take()).toEqual(['repeat +a']);
});

it('is told of again when a member comes or goes', async () => {
  await stage.alerts.fire({ b: { alertname: 'A', host: 'b' } });
  await stage.clock.advance(5 * MINUTE);
  expect(team.take()).toEqual(['new_alerts +a +b']);
  await stage.clock.advance(20 * MINUTE);
  await stage.alerts.resolve('b');
  await stage.clock.advance(5 * MINUTE);
  expect(team.take()).toEqual(['new_resolved +a -b']);
});

it('hears of what keeps its members back', async () => {
  isMuted = true;
  await stage.clock.advance(5 * MINUTE);
  expect((await stage.notification.explain('a')).decisions.at(-1)).toMatchObject({ decision: 'kept back' });
});

it.each([
  [maxQuietMembers, true],
  [maxQuietMembers + 1, false],
])(`of %i members, of ${maxQuietMembers} at most, is known to be quiet: %s`, async (count, isQuiet) => {
  const others = Array.from(
    { length: count - 1 },
    (_, at) => [`b${at}`, { alertname: 'A', at: String(at) }] as const,
  );
  await stage.alerts.fire(Object.fromEntries(others));
  await stage.clock.advance(5 * MINUTE);
  const [group] = stage.notification.dispatcher.groups();
  expect([group?.members.size, group?.quiet !== null]).toEqual([count, isQuiet]);
});

it('is looked at with a pause behind each member, and is not quiet where it has changed meanwhile', async () => {
  await stage.alerts.fire(
    Object.fromEntries(Array.from({ length: 30 }, (_, at) => [`m${at}`, { alertname: 'A', at: `${at}` }])),
  );
  await stage.clock.advance(HOUR);
  const [group] = stage.notification.dispatcher.groups();
  if (!group?.quiet) throw new Error('it is not quiet');
  const [integration] = group.quiet.integrations;
  const context = {
    integrations: group.quiet.integrations.map(({ running }) => running),
    stages: [watched],
    log: { get: () => integration?.entry ?? null },
    outbox: { outstanding: () => integration?.outstanding ?? null },
    nowMs: stage.clock.wallMs(),
  } as unknown as Parameters<typeof isStillQuiet>[2];
  const looking = isStillQuiet(group, group.quiet, context);
  let pauses = 0;
  let step = looking.next();
  for (; !step.done; step = looking.next()) pauses++;
  expect([step.value, pauses]).toEqual([true, 31]);
  const again = isStillQuiet(group, group.quiet, context);
  again.next();
  group.changes++;
  let last = again.next();
  while (!last.done) last = again.next();
  expect(last.value).toBe(false);
});
