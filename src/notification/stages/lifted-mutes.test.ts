import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createEventBus } from '#eventbus';
import {
  createMatcher,
  createSeededRandom,
  SelfMetrics,
  silentLogger,
  type Labels,
  type Subscription,
} from '#telemetry';
import { parseMatchers } from '../configuration/matchers/index.ts';
import type { InhibitRule } from '../configuration/notification-configuration.ts';
import type { NotificationParts } from '../notification-parts.ts';
import {
  openNotificationStage,
  RecordingReceiver,
  testRoute,
  type NotificationStage,
} from '../notification.test-support.ts';
import { DEFAULT_SILENCE_LIMITS } from '../silences/silence-limits.ts';
import { Silences, type SilenceListener } from '../silences/silences.ts';
import { silenceStage } from './silence-stage.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
/** Nothing is looked at by itself within these tests. */
const route = testRoute({ groupWaitMs: 5 * SECOND, groupIntervalMs: 10 * HOUR });

let stage: NotificationStage;
let team: RecordingReceiver;
let silences: Silences;
let stopBus: () => Promise<void>;
afterEach(async () => {
  await silences.stop();
  await stopBus();
  await stage.close();
});

const pass = (ms: number): Promise<void> => stage.clock.advance(ms);

async function open(inhibitRules: readonly InhibitRule[] = []): Promise<void> {
  team = new RecordingReceiver();
  const listeners: SilenceListener[] = [];
  const heard: NotificationParts['silences'] = {
    alertResolved: (labels, more) => silences.alertResolved(labels, more),
    live: (id) => silences.live(id),
    onChanged(listener): Subscription {
      listeners.push(listener);
      return { stop: () => undefined };
    },
  };
  stage = await openNotificationStage({
    route,
    receivers: { team: [team] },
    inhibitRules,
    silences: heard,
    stages: [
      silenceStage({
        silencesOf: (labels, wallMs) => silences.silencesOf(labels, wallMs),
        lookUp: (labels) => silences.lookUp(labels),
      }),
    ],
  });
  const base = {
    database: stage.database,
    clock: stage.clock,
    random: createSeededRandom(3),
    logger: silentLogger,
    metrics: new SelfMetrics(),
  };
  const bus = createEventBus(base);
  stopBus = () => bus.stop();
  silences = new Silences({ ...base, bus, limits: DEFAULT_SILENCE_LIMITS });
  await silences.start();
  for (const listener of listeners) silences.onChanged(listener);
}

/** A silence of an hour. @returns its id */
async function silence(matchers: string, untilResolved = false): Promise<string> {
  const { id } = await silences.set({
    id: null,
    matcherSets: [parseMatchers(matchers)],
    startsAtMs: null,
    endsAtMs: stage.clock.wallMs() + HOUR,
    createdBy: 'ann',
    comment: 'new disks',
    annotations: {},
    by: 'ann',
    untilResolved,
  });
  return id;
}

describe('what a silence kept back', () => {
  const A = { alertname: 'A', group: 'one' };
  const B = { alertname: 'B', group: 'two' };
  beforeEach(() => open());

  it('is told as soon as its time is over', async () => {
    await silence('{alertname="A"}');
    await stage.alerts.fire({ a: A });
    await pass(HOUR - SECOND);
    expect(team.take()).toEqual([]);
    await pass(SECOND);
    expect(team.take()).toEqual(['first_notification +a']);
  });

  it('is told as soon as somebody ends it, and nothing else is', async () => {
    const id = await silence('{alertname="A"}');
    await silence('{alertname="B"}');
    await stage.alerts.fire({ a: A, b: B });
    await pass(MINUTE);
    await silences.expire(id, 'ann');
    await pass(0);
    expect(team.take()).toEqual(['first_notification +a']);
  });

  it('is told to be over where it ended meanwhile and somebody knew of it', async () => {
    await stage.alerts.fire({ a: A });
    await pass(MINUTE);
    expect(team.take()).toEqual(['first_notification +a']);
    const id = await silence('{alertname="A"}');
    await stage.alerts.resolve('a');
    await pass(11 * HOUR - MINUTE);
    await pass(0);
    // The hour is over, and with it the silence.
    expect(team.take()).toEqual(['all_resolved -a']);
    await expect(silences.get(id)).resolves.toMatchObject({ end: { cause: 'time' } });
  });

  it('waits on under another silence, and where its group still waits for what comes together', async () => {
    const first = await silence('{alertname="A"}');
    await silence('{group="one"}');
    await stage.alerts.fire({ a: A });
    await pass(MINUTE);
    await silences.expire(first, 'ann');
    await pass(MINUTE);
    const early = await silence('{alertname="B"}');
    await stage.alerts.fire({ b: B });
    await pass(SECOND);
    await silences.expire(early, 'ann');
    await pass(SECOND);
    expect(team.take()).toEqual([]);
    await pass(3 * SECOND);
    expect(team.take()).toEqual(['first_notification +b']);
  });

  it('is looked through once, however many alerts it was for and however many silences end', async () => {
    const labelsOf = (at: number): Labels => ({
      alertname: 'Many',
      group: `g${at % 100}`,
      instance: `i${at}`,
    });
    const ids = await Promise.all([silence('{alertname="Many"}'), silence('{group=~"g.*"}')]);
    for (let from = 0; from < 5000; from += 500) {
      const some = Array.from({ length: 500 }, (_, at) => from + at);
      await stage.alerts.fire(Object.fromEntries(some.map((at) => [`m${at}`, labelsOf(at)])));
      await pass(0);
    }
    await pass(MINUTE);
    expect(team.take()).toEqual([]);
    const { dispatcher } = stage.notification;
    let looks = 0;
    const groups = dispatcher.groups.bind(dispatcher);
    dispatcher.groups = () => {
      looks++;
      return groups();
    };
    await Promise.all(ids.map((id) => silences.expire(id, 'ann')));
    await pass(SECOND);
    const told = team.messages.flatMap(({ alerts }) => alerts.map(({ alertId }) => alertId));
    expect(new Set(told).size).toBe(5000);
    expect(team.messages).toHaveLength(100);
    expect(looks).toBeLessThanOrEqual(2);
  });
});

describe('what was inhibited', () => {
  const rule: InhibitRule = {
    name: '',
    sources: [{ matchers: [createMatcher('alertname', '=', 'Down')], equal: [] }],
    targetMatchers: [createMatcher('alertname', '=', 'A')],
    equal: [],
  };
  const SOURCE = { alertname: 'Down', group: 'two' };
  const A = { alertname: 'A', group: 'one' };
  beforeEach(async () => {
    await open([rule]);
    await stage.alerts.fire({ s: SOURCE, a: A });
    await pass(MINUTE);
    expect(team.take()).toEqual(['first_notification +s']);
    await stage.alerts.resolve('s');
  });

  it('is told once its group_wait is over after what inhibited it', async () => {
    await pass(4 * SECOND);
    expect(team.take()).toEqual([]);
    await pass(SECOND);
    expect(team.take()).toEqual(['first_notification +a']);
  });

  it('is told to nobody where it ends within its group_wait, too', async () => {
    await pass(4 * SECOND);
    await stage.alerts.resolve('a');
    await pass(11 * HOUR);
    expect(team.take()).toEqual(['all_resolved -s']);
  });

  it('waits on where something else inhibits it by then', async () => {
    await pass(4 * SECOND);
    await stage.alerts.fire({ t: { alertname: 'Down', group: 'three' } });
    await pass(MINUTE);
    expect(team.take()).toEqual(['first_notification +t']);
  });
});
