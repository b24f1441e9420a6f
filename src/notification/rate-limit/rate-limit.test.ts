import { describe, expect, it } from 'vitest';
import {
  DELIVERED,
  failed,
  openNotificationStage,
  RecordingReceiver,
  testRoute,
  useTestNotification,
  type TestConfiguration,
} from '../notification.test-support.ts';
import { maxGroupsInDigest, maxHealedInDigest } from './digest.ts';
import { maxHealedRead } from './throttle.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const LIMIT = { messages: 2, perMs: MINUTE };
const route = testRoute({ groupWaitMs: 0, groupIntervalMs: 10 * SECOND });

const test = useTestNotification();
let team: RecordingReceiver;

async function open(configuration: Partial<TestConfiguration> = {}): Promise<void> {
  team = new RecordingReceiver();
  test.stage = await openNotificationStage({
    route,
    rateLimit: LIMIT,
    receivers: { team: [team] },
    ...configuration,
  });
}

const pass = (ms: number): Promise<void> => test.stage.clock.advance(ms);
const labelsOf = (id: string, severity = 'warning') => ({ alertname: id.toUpperCase(), group: id, severity });

/** Alerts begin to fire, each in a group of its own, a second after the other. */
async function fire(...ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    await test.stage.alerts.fire({ [id]: labelsOf(id) });
    await pass(SECOND);
  }
}

async function decided(alertId: string): Promise<readonly string[]> {
  await test.stage.notification.decisions.settled();
  const { decisions } = await test.stage.notification.decisions.list(alertId);
  return decisions.flatMap(({ stage: by, decision, reason }) =>
    by === 'rate_limit' ? `${decision}: ${reason}` : [],
  );
}

/** An alert was held back from some receivers, and a repair has healed it. */
const healed = (id: string, receivers: string[]) => ({
  event_type: 'notification.held_and_healed' as const,
  entity_type: 'alert',
  entity_id: id,
  payload: {
    alert_id: id,
    severity: 'warning',
    labels: { alertname: 'WorkerHung', agent_id: id, severity: 'warning' },
    policy: 'p',
    target: `agent:${id}`,
    summary: 'healed by restart in 2.1 s',
    receivers,
  },
  traceparent: null,
});

describe('a receiver with a rate limit', () => {
  it('is told at once up to it, and of all that is beyond in one digest at the end of the window', async () => {
    await open();
    await fire('a', 'b', 'c', 'd', 'e');
    expect(team.take()).toEqual(['first_notification +a', 'first_notification +b']);
    expect(test.stage.notification.outbox.pendingOf('team/webhook/0')).toBe(3);
    await pass(MINUTE - 6 * SECOND);
    expect(team.take()).toEqual([]);
    await pass(SECOND);
    const [digest] = team.messages;
    expect(digest).toMatchObject({ groupKey: 'digest:team/webhook/0', truncatedAlerts: 0 });
    expect(digest?.note?.split('\n')).toEqual([
      expect.stringMatching(/^Digest of 3 messages beyond 2 messages in 1m since .*: 3 groups, 3 firing\.$/),
      '{}:{group="c"}: 1 firing.',
      '{}:{group="d"}: 1 firing.',
      '{}:{group="e"}: 1 firing.',
    ]);
    expect(team.take()).toEqual(['digest +c +d +e']);
    // What it was told of in the digest it knows.
    await pass(10 * MINUTE);
    expect(team.take()).toEqual([]);
    await test.stage.alerts.resolve('c');
    await pass(10 * SECOND);
    expect(team.take()).toEqual(['all_resolved -c']);
  });

  it('has the digest count as the first message of the next window', async () => {
    await open();
    await fire('a', 'b', 'c');
    await pass(MINUTE - 3 * SECOND);
    expect(team.take()).toEqual(['first_notification +a', 'first_notification +b', 'digest +c']);
    await fire('d', 'e');
    expect(team.take()).toEqual(['first_notification +d']);
    await pass(MINUTE);
    expect(team.take()).toEqual(['digest +e']);
  });

  it('begins a window with a message, so that who writes seldom is never limited', async () => {
    await open();
    await fire('a', 'b');
    await pass(MINUTE);
    await fire('c', 'd');
    expect(team.take()).toEqual(['a', 'b', 'c', 'd'].map((id) => `first_notification +${id}`));
  });

  it('reads in the digest what has ended meanwhile, once, and as it is over', async () => {
    await open();
    await fire('a', 'b', 'c', 'd');
    await test.stage.alerts.resolve('c');
    await pass(MINUTE);
    expect(team.take()).toEqual(['first_notification +a', 'first_notification +b', 'digest +d -c']);
    await pass(MINUTE);
    expect(team.take()).toEqual([]);
    expect(test.stage.notification.dispatcher.membership.get('c')).toBeNull();
  });

  it('hears of what is critical and new at once, and of what was held of its group with it', async () => {
    await open();
    await fire('a', 'b', 'c');
    team.take();
    await test.stage.alerts.fire({
      x: labelsOf('x', 'critical'),
      y: { ...labelsOf('c', 'critical'), alertname: 'Y' },
    });
    await pass(10 * SECOND);
    expect(team.take().toSorted()).toEqual(['first_notification +c +y', 'first_notification +x']);
    await pass(MINUTE);
    expect(team.take()).toEqual([]);
  });

  it('is named with its count in explanations, and the digest that told of it', async () => {
    await open();
    const beganAtMs = test.stage.clock.wallMs();
    await fire('a', 'b', 'c');
    const until = new Date(beganAtMs + MINUTE).toISOString();
    const throttled = `throttled: team/webhook/0 has had 2 of 2 messages in 1m: in the digest at ${until}`;
    expect(await decided('c')).toEqual([throttled]);
    expect(await decided('a')).toEqual([]);
    await pass(MINUTE);
    expect(await decided('c')).toEqual([throttled, 'in digest: told in a digest of 1 to team/webhook/0']);
    const { messages } = await test.stage.notification.explain('c');
    expect(messages).toMatchObject([
      { reason: 'first_notification', state: 'delivered', digestId: messages[1]?.notificationId },
      { reason: 'digest', state: 'delivered', digestId: null },
    ]);
  });

  it('names as many alerts as its integration takes, and as many groups as fit', async () => {
    team = new RecordingReceiver({ maxAlerts: 3 });
    test.stage = await openNotificationStage({
      route,
      rateLimit: { messages: 1, perMs: MINUTE },
      receivers: { team: [team] },
    });
    await fire('a');
    const many = Array.from({ length: maxGroupsInDigest + 1 }, (_, at) => `m${at}`);
    await test.stage.alerts.fire(Object.fromEntries(many.map((id) => [id, labelsOf(id)])));
    await pass(MINUTE);
    const digest = team.messages.at(-1);
    expect(digest?.alerts).toHaveLength(3);
    expect(digest?.truncatedAlerts).toBe(many.length - 3);
    const lines = digest?.note?.split('\n') ?? [];
    expect(lines).toHaveLength(maxGroupsInDigest + 2);
    expect(lines.at(-1)).toBe('and 1 more group.');
  });

  it('reads of what was healed without a page since the window began', async () => {
    await open();
    await fire('a', 'b', 'c');
    await test.stage.tell(healed('w-1', ['team']), healed('w-2', ['other']));
    await pass(MINUTE);
    expect(team.messages.at(-1)?.note?.split('\n').slice(2)).toEqual([
      'WorkerHung agent_id=w-1: healed by restart in 2.1 s, nobody was paged.',
    ]);
    await fire('d', 'e');
    const many = Array.from({ length: maxHealedInDigest + 1 }, (_, at) => healed(`v-${at}`, ['team']));
    await test.stage.tell(...many);
    await pass(MINUTE);
    const lines = team.messages.at(-1)?.note?.split('\n').slice(2) ?? [];
    expect(lines).toHaveLength(maxHealedInDigest + 1);
    expect(lines.at(-1)).toBe('and 1 more were healed without a page.');
  });
});

it.each([maxHealedRead, maxHealedRead + 1])(
  `of %i repairs that spared a page a digest counts the newest ${maxHealedRead}`,
  async (count) => {
    await open();
    await fire('a', 'b', 'c');
    await test.stage.tell(...Array.from({ length: count }, (_, at) => healed(`w-${at}`, ['team'])));
    await pass(MINUTE);
    expect(team.messages.at(-1)?.note?.split('\n').at(-1)).toBe(
      `and ${maxHealedRead - maxHealedInDigest} more were healed without a page.`,
    );
  },
);

describe('whoever is on call in the place of a receiver', () => {
  const linesOf = ({ messages }: RecordingReceiver): readonly string[] =>
    messages.flatMap(({ reason, note }) =>
      reason === 'digest' ? (note?.split('\n').filter((line) => line.includes('WorkerHung')) ?? []) : [],
    );
  const line = (id: string): string =>
    `WorkerHung agent_id=${id}: healed by restart in 2.1 s, nobody was paged.`;

  it('reads in a digest what was healed without a page', async () => {
    const ada = new RecordingReceiver();
    await open({ receivers: { ada: [ada] }, onCall: () => 'ada' });
    await fire('a', 'b', 'c');
    await test.stage.tell(healed('w-1', ['infra']));
    await pass(MINUTE);
    expect(linesOf(ada)).toEqual([line('w-1')]);
  });

  it('reads nothing of what was healed while another was', async () => {
    const ada = new RecordingReceiver();
    const grace = new RecordingReceiver();
    let handedOverAtMs = Infinity;
    await open({
      receivers: { ada: [ada], grace: [grace] },
      onCall: (wallMs = test.stage.clock.wallMs()) => (wallMs < handedOverAtMs ? 'ada' : 'grace'),
    });
    await fire('a');
    handedOverAtMs = test.stage.clock.wallMs();
    await fire('b', 'c', 'd');
    handedOverAtMs = Infinity;
    await test.stage.tell(healed('w-1', ['infra']));
    await pass(SECOND);
    handedOverAtMs = test.stage.clock.wallMs();
    await test.stage.tell(healed('w-2', ['infra']));
    await pass(MINUTE);
    expect(linesOf(grace)).toEqual([line('w-2')]);
  });
});

describe('a digest', () => {
  it('goes out at its time after the process has died, with what came before and after', async () => {
    await open();
    await fire('a', 'b', 'c');
    test.stage.killAfterCommits(0);
    await test.stage.revive();
    await fire('d');
    expect(team.take()).toEqual(['first_notification +a', 'first_notification +b']);
    await pass(MINUTE - 4 * SECOND);
    expect(team.take()).toEqual(['digest +c +d']);
    await test.stage.restart();
    await pass(5 * MINUTE);
    expect(team.take()).toEqual([]);
  });

  it.each([1, 2, 3])(
    'is told once and loses nothing where the process dies %i commits into it',
    async (commits) => {
      await open();
      await fire('a', 'b', 'c', 'd');
      team.take();
      test.stage.killAfterCommits(commits);
      await pass(MINUTE);
      if (!test.stage.isDead) test.stage.killAfterCommits(0);
      await test.stage.revive();
      await pass(2 * MINUTE);
      const told = team.take();
      // An answer that a crash has taken is asked for again, with the same message.
      expect(new Set(told)).toEqual(new Set(['digest +c +d']));
      expect(told.length).toBeLessThanOrEqual(2);
      const knows = ['c', 'd'].map((id) => test.stage.notification.dispatcher.membership.get(id)?.alertId);
      expect(knows).toEqual(['c', 'd']);
      await test.stage.alerts.resolve('c', 'd');
      await pass(2 * MINUTE);
      expect(team.take().toSorted()).toEqual(['all_resolved -c', 'all_resolved -d']);
    },
  );

  it('that is refused for good is told of group by group at their next interval', async () => {
    await open({ route: testRoute({ groupWaitMs: 0, groupIntervalMs: 2 * MINUTE }) });
    await fire('a', 'b', 'c');
    team.answer = ({ reason }) =>
      reason === 'digest' ? failed('clientError', { retryable: false }) : DELIVERED;
    await pass(MINUTE);
    expect(team.take()).toEqual(['first_notification +a', 'first_notification +b', 'digest +c']);
    await pass(2 * MINUTE);
    expect(team.take()).toEqual(['first_notification +c']);
  });

  it('that is tried again keeps back what changes in its groups until it has arrived', async () => {
    await open();
    await fire('a', 'b', 'c');
    team.take();
    let tries = 0;
    team.answer = ({ reason }) =>
      reason === 'digest' && ++tries < 3 ? failed('serverError', { retryable: true }) : DELIVERED;
    await pass(MINUTE - 3 * SECOND);
    await test.stage.alerts.resolve('c');
    await pass(2 * MINUTE);
    expect(team.take()).toEqual(['digest +c', 'digest +c', 'digest +c', 'all_resolved -c']);
  });

  it('goes at once where the receiver has no limit any more', async () => {
    await open();
    await fire('a', 'b', 'c', 'd');
    team.take();
    await test.stage.restart({ route, receivers: { team: [team] } });
    await pass(SECOND);
    expect(team.take()).toEqual(['digest +c +d']);
    await fire('e', 'f', 'g');
    expect(team.take()).toHaveLength(3);
  });
});
