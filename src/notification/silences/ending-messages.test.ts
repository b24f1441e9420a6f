import { afterEach, expect, it } from 'vitest';
import type { NewSystemEvent } from '#telemetry';
import { createAlertMatcher } from '../configuration/matchers/index.ts';
import {
  NO_SILENCES,
  openNotificationStage,
  RecordingReceiver,
  testRoute,
  type NotificationStage,
} from '../notification.test-support.ts';
import type { MuteStage } from '../stages/mute-stage.ts';
import type { Silence } from './silence.ts';

const MINUTE = 60_000;

let stage: NotificationStage;
afterEach(() => stage.close());

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
  warnedAtMs: null,
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
  stage = await openNotificationStage({
    route: testRoute({ groupWaitMs: 0 }),
    receivers: { team: [team] },
    stages: [silenced],
    silences: { ...NO_SILENCES, list: () => [SILENCE] },
  });
  await stage.alerts.fire({
    a: { alertname: 'A', group: 'one' },
    a2: { alertname: 'A', group: 'two' },
    b: { alertname: 'B', group: 'one' },
  });
  await stage.clock.advance(MINUTE);
  team.take();
  await stage.tell(ENDING);
  await stage.clock.advance(0);
  expect(team.messages[0]?.note).toBe('The silence s1 by ann ends at 2026-11-30T14:00:00.000Z: new disks');
  expect(team.take()).toEqual(['silence_ending +a +a2']);
  await stage.restart();
  await stage.clock.advance(10 * MINUTE);
  expect(team.take()).toEqual([]);
  await stage.alerts.resolve('a', 'a2');
  await stage.clock.advance(10 * MINUTE);
  await stage.tell(ENDING);
  await stage.clock.advance(MINUTE);
  expect(team.take()).toEqual([]);
});
