import { afterEach, expect, it } from 'vitest';
import type { StateTransaction } from '#storage';
import { createSeededRandom, nextTurn, type NewSystemEvent } from '#telemetry';
import { TickingClock } from '../../telemetry/time/ticking-clock.test-support.ts';
import { createAlertMatcher } from '../configuration/matchers/index.ts';
import {
  NO_SILENCES,
  openNotificationStage,
  RecordingReceiver,
  testRoute,
  type NotificationStage,
} from '../notification.test-support.ts';
import type { AggregationGroup } from '../groups/aggregation-group.ts';
import type { TrackedAlert } from '../groups/tracked-alert.ts';
import type { PlannedNotification } from '../outbox/outbox.ts';
import type { MuteStage } from '../stages/mute-stage.ts';
import { tellEndingSilence } from './ending-messages.ts';
import type { Silence } from './silence.ts';

const MINUTE = 60_000;

let stage: NotificationStage | null = null;
afterEach(async () => {
  await stage?.close();
  stage = null;
});

const SILENCE: Silence = {
  id: 's1',
  matcherSets: [[createAlertMatcher('alertname', '=', 'A')]],
  startsAtMs: 0,
  endsAtMs: Date.parse('2026-11-30T14:00:00Z'),
  createdBy: 'ann',
  setBy: 'ann',
  comment: 'new disks',
  annotations: {},
  createdAtMs: 0,
  updatedAtMs: 0,
  untilResolved: false,
  warnBeforeMs: MINUTE,
  warnedAtMs: 0,
  alertId: null,
  end: null,
};

const ENDING: NewSystemEvent = {
  event_type: 'notification.silence.ending',
  entity_type: 'silence',
  entity_id: 's1',
  payload: {
    silence_id: 's1',
    matchers: ['{alertname="A"}'],
    created_by: 'ann',
    comment: 'new disks',
    starts_at: '2026-11-30T12:00:00.000Z',
    ends_at: '2026-11-30T14:00:00.000Z',
  },
  traceparent: null,
};

it('who will be told of silenced alerts is told before the silence ends, once, also over a restart', async () => {
  const silenced: MuteStage = {
    judge: ({ labels }) => (labels['alertname'] === 'A' ? { stage: 'silence', reason: 'silenced' } : null),
  };
  const team = new RecordingReceiver();
  const opened = await openNotificationStage({
    route: testRoute({ groupWaitMs: 0 }),
    receivers: { team: [team] },
    stages: [silenced],
    silences: { ...NO_SILENCES, live: (id) => (id === SILENCE.id ? SILENCE : null) },
  });
  stage = opened;
  await opened.alerts.fire({
    a: { alertname: 'A', group: 'one' },
    a2: { alertname: 'A', group: 'two' },
    b: { alertname: 'B', group: 'one' },
  });
  await opened.clock.advance(MINUTE);
  team.take();
  await opened.tell(ENDING);
  await opened.clock.advance(0);
  expect(team.messages[0]?.note).toBe('The silence s1 by ann ends at 2026-11-30T14:00:00.000Z: new disks');
  expect(team.take()).toEqual(['silence_ending +a +a2']);
  await opened.restart();
  await opened.clock.advance(10 * MINUTE);
  expect(team.take()).toEqual([]);
  await opened.alerts.resolve('a', 'a2');
  await opened.clock.advance(10 * MINUTE);
  await opened.tell(ENDING);
  await opened.clock.advance(MINUTE);
  expect(team.take()).toEqual([]);
});

it('all alerts that fire are looked at in slices, and what begins meanwhile is told of, too', async () => {
  const clock = new TickingClock();
  const COUNT = 300;
  let looked = 0;
  const alertOf = (alertId: string): TrackedAlert => {
    const labels = {
      get alertname(): string {
        looked++;
        return 'A';
      },
    };
    return { alertId, labels } as unknown as TrackedAlert;
  };
  const firing = new Set(Array.from({ length: COUNT }, (_, at) => alertOf(`alrt_${at}`)));
  const planned: PlannedNotification[] = [];
  const group = { groupKey: '{}:{}', groupLabels: {}, route: testRoute() } as AggregationGroup;
  const told = tellEndingSilence({} as StateTransaction, SILENCE, {
    clock,
    random: createSeededRandom(1),
    outbox: {
      outstanding: () => null,
      plan: (_tx, messages) => Promise.resolve(void planned.push(...messages)),
    },
    decisions: { record: () => undefined },
    firing: () => firing,
    groupsOf: () => [group],
    integrationsOf: (receiver) => [
      {
        key: `${receiver}/webhook/0`,
        receiver,
        note: null,
        rateLimit: null,
        integration: new RecordingReceiver(),
        settings: null,
      },
    ],
  });
  const state = { isOver: false };
  void told.finally(() => (state.isOver = true));
  firing.add(alertOf('meanwhile'));
  let most = looked;
  while (!state.isOver) {
    const before = looked;
    await nextTurn();
    most = Math.max(most, looked - before);
  }
  // On this clock a stretch is over after a look or two.
  expect(most).toBeLessThanOrEqual(3);
  const [message] = planned;
  expect(message?.notification.members.at(-1)?.[0]).toBe('meanwhile');
  expect((message?.notification.members.length ?? 0) + (message?.notification.truncated ?? 0)).toBe(
    COUNT + 1,
  );
});
