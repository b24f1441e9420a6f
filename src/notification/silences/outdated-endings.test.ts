import { beforeEach, describe, expect, it } from 'vitest';
import type { NewSystemEvent } from '#telemetry';
import { createAlertMatcher } from '../configuration/matchers/index.ts';
import {
  DELIVERED,
  failed,
  NO_SILENCES,
  openNotificationStage,
  RecordingReceiver,
  testRoute,
  useTestNotification,
  type TestConfiguration,
} from '../notification.test-support.ts';
import type { Delivery } from '../receivers/integration.ts';
import type { MuteStage } from '../stages/mute-stage.ts';
import type { Silence } from './silence.ts';
import type { SilenceListener } from './silences.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

const test = useTestNotification();
const { pass } = test;
const listeners = new Set<SilenceListener>();
const silences = new Map<string, Silence>();
let team: RecordingReceiver;

const silenced: MuteStage = {
  judge: ({ labels }) => (labels['alertname'] === 'A' ? { stage: 'silence', reason: 'silenced' } : null),
};

function configured(changes: TestConfiguration = {}): TestConfiguration {
  return {
    route: testRoute({ groupWaitMs: 0 }),
    receivers: { team: [team] },
    stages: [silenced],
    silences: {
      ...NO_SILENCES,
      live: (id) => silences.get(id) ?? null,
      onChanged(listener) {
        listeners.add(listener);
        return { stop: () => void listeners.delete(listener) };
      },
    },
    ...changes,
  };
}

function silenceOf(changes: Partial<Silence>): Silence {
  const nowMs = test.stage.clock.wallMs();
  return {
    id: 's1',
    matcherSets: [[createAlertMatcher('alertname', '=', 'A')]],
    startsAtMs: 0,
    endsAtMs: nowMs + HOUR,
    createdBy: 'ann',
    setBy: 'ann',
    comment: 'new disks',
    annotations: {},
    createdAtMs: 0,
    updatedAtMs: 0,
    untilResolved: false,
    warnBeforeMs: HOUR,
    warnedAtMs: nowMs,
    alertId: null,
    end: null,
    ...changes,
  };
}

/** As `Silences` does it: memory follows the database, and who listens hears of what others see of it. */
function change(changes: Partial<Silence>): void {
  const next = { ...(silences.get('s1') ?? silenceOf({})), ...changes };
  if (next.end === null) silences.set(next.id, next);
  else silences.delete(next.id);
  for (const listener of listeners) listener([next]);
}

async function warn(id = 's1'): Promise<void> {
  silences.set(id, { ...silenceOf({ id }), ...silences.get(id), warnedAtMs: test.stage.clock.wallMs() });
  const ending: NewSystemEvent = {
    event_type: 'notification.silence.ending',
    entity_type: 'silence',
    entity_id: id,
    payload: { silence_id: id, matchers: [], created_by: '', comment: '', starts_at: '', ends_at: '' },
    traceparent: null,
  };
  await test.stage.tell(ending);
}

const ENDED = { cause: 'expired', by: 'ann', replacedBy: null } as const;

/** What makes the message none any more, and whether another one may go out in its place. */
const CHANGES: readonly (readonly [what: string, apply: () => void])[] = [
  ['was ended', () => change({ end: ENDED })],
  ['was replaced', () => change({ end: { ...ENDED, cause: 'replaced', replacedBy: 's2' } })],
  [
    'ends at another time',
    () => change({ endsAtMs: test.stage.clock.wallMs() + 9 * HOUR, warnedAtMs: null }),
  ],
];

async function open(changes: TestConfiguration = {}): Promise<void> {
  test.stage = await openNotificationStage(configured(changes));
  await test.stage.alerts.fire({ a: { alertname: 'A', group: 'one' } });
  await pass(MINUTE);
  expect(team.take()).toEqual([]);
}

const pending = (): number => test.stage.notification.outbox.pendingOf('team/webhook/0');

beforeEach(() => {
  silences.clear();
  listeners.clear();
  team = new RecordingReceiver();
  team.answer = () => failed('serverError', { retryable: true });
});

describe('the message that a silence is about to end, which its receiver has not taken,', () => {
  it.each(CHANGES)('is given up as soon as the silence %s', async (_, apply) => {
    await open();
    await warn();
    await pass(SECOND);
    expect(team.take()).not.toEqual([]);
    expect(pending()).toBe(1);
    apply();
    await pass(0);
    expect(pending()).toBe(0);
    team.answer = () => DELIVERED;
    await pass(10 * MINUTE);
    expect(team.take()).toEqual([]);
  });

  it.each(CHANGES)('is not tried again where the silence %s during a try', async (_, apply) => {
    await open();
    const answer = Promise.withResolvers<Delivery>();
    team.answer = () => answer.promise;
    await warn();
    await pass(SECOND);
    expect(team.take()).toEqual(['silence_ending +a']);
    apply();
    team.answer = () => DELIVERED;
    answer.resolve(failed('serverError', { retryable: true }));
    await pass(10 * MINUTE);
    expect(team.take()).toEqual([]);
    expect(pending()).toBe(0);
  });

  it.each(CHANGES)('is no part of a digest where the silence %s before that', async (_, apply) => {
    team.answer = () => DELIVERED;
    await open({ rateLimit: { messages: 1, perMs: 10 * MINUTE } });
    await warn('s2');
    await pass(SECOND);
    expect(team.take()).toEqual(['silence_ending +a']);
    await warn();
    await pass(SECOND);
    expect(pending()).toBe(1);
    apply();
    await pass(HOUR);
    expect(team.take()).toEqual([]);
    expect(pending()).toBe(0);
  });

  it('is given up after a restart, where the silence has ended meanwhile', async () => {
    await open();
    await warn();
    await pass(SECOND);
    team.take();
    silences.delete('s1');
    team.answer = () => DELIVERED;
    await test.stage.restart();
    await pass(10 * MINUTE);
    expect(team.take()).toEqual([]);
    expect(pending()).toBe(0);
  });

  it('goes out where nothing but the comment has changed, also over a restart', async () => {
    await open();
    await warn();
    await pass(SECOND);
    team.take();
    change({ comment: 'newer disks' });
    await test.stage.restart();
    team.answer = () => DELIVERED;
    await pass(10 * MINUTE);
    expect(team.take()).toEqual(['silence_ending +a']);
  });

  it('is told once, with the newer time, where the silence warns again', async () => {
    await open();
    await warn();
    await pass(SECOND);
    team.take();
    team.answer = () => DELIVERED;
    change({ endsAtMs: Date.parse('2100-01-01T00:00:00Z'), warnedAtMs: null });
    await warn();
    await pass(10 * MINUTE);
    expect(team.messages.map(({ note }) => note)).toEqual([
      'The silence s1 by ann ends at 2100-01-01T00:00:00.000Z: new disks',
    ]);
  });

  it('is not written where the silence was moved before it was', async () => {
    await open();
    team.answer = () => DELIVERED;
    const told = warn();
    change({ endsAtMs: Date.parse('2100-01-01T00:00:00Z'), warnedAtMs: null });
    await told;
    await pass(10 * MINUTE);
    expect(team.take()).toEqual([]);
  });
});
