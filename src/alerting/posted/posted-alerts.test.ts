import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createEventBus, type EventBus } from '#eventbus';
import { openTestStateDatabase, type StateDatabase } from '#storage';
import {
  createSeededRandom,
  SelfMetrics,
  silentLogger,
  VirtualClock,
  type Labels,
  type SystemEvent,
} from '#telemetry';
import { RecordedTracing } from '../../telemetry/tracing/tracing.test-support.ts';
import { newEpisode } from '../alerts/episode.test-support.ts';
import { EpisodeWriter } from '../alerts/episode-writer.ts';
import { observedDatabase, type DatabaseObserver } from '../observed-database.test-support.ts';
import type { PostedAlert } from './posted-alert.ts';
import { maxWaitingPosts, PostedAlerts } from './posted-alerts.ts';
import { DEFAULT_POSTED_LIMITS, type PostedLimits } from './posted-limits.ts';

const MINUTE = 60_000;
const DOWN = { alertname: 'Down', host: 'a' };

let clock: VirtualClock;
let database: StateDatabase;
let observer: DatabaseObserver;
let bus: EventBus;
let posted: PostedAlerts;
let metrics: SelfMetrics;

beforeEach(async () => {
  clock = new VirtualClock();
  database = await openTestStateDatabase(clock, 'none');
  await open();
});
afterEach(async () => {
  observer.faults.length = 0;
  await posted.stop();
  await bus.stop();
  await database.close();
});

async function open(limits: PostedLimits = DEFAULT_POSTED_LIMITS): Promise<void> {
  observer = { faults: [], traffic: { transactions: 0, statements: 0 } };
  metrics = new SelfMetrics();
  const parts = {
    clock,
    database: observedDatabase(database, observer),
    random: createSeededRandom(1),
    logger: silentLogger,
    metrics,
    tracing: new RecordedTracing(),
  };
  bus = createEventBus(parts);
  posted = new PostedAlerts({ ...parts, limits, episodes: new EpisodeWriter(parts.database, bus) });
  await posted.start();
}

async function restart(limits?: PostedLimits): Promise<void> {
  await posted.stop();
  await bus.stop();
  await open(limits);
}

interface Said {
  readonly sender?: string;
  /** From now on; ms. */
  readonly endsIn?: number;
  readonly startedAgo?: number;
  readonly annotations?: Labels;
}

function alertOf(
  labels: Labels,
  { endsIn = 4 * MINUTE, startedAgo = 0, annotations = {} }: Said,
): PostedAlert {
  const nowMs = clock.wallMs();
  return {
    labels,
    annotations,
    startsAtMs: nowMs - startedAgo,
    endsAtMs: nowMs + endsIn,
    timesOut: false,
    generatorUrl: 'http://prometheus/graph',
  };
}

function post(labels: Labels, said: Said = {}): Promise<readonly string[]> {
  return posted.take([alertOf(labels, said)], { sender: said.sender ?? 'token:a', traceparent: null });
}

/** `Down: firing`, the oldest first. */
async function episodes(): Promise<readonly string[]> {
  const rows = await database.reader
    .selectFrom('alerts')
    .selectAll()
    .orderBy('fired_at_ms')
    .orderBy('state', 'desc')
    .orderBy('id')
    .execute();
  return rows.map(({ rule_id: id, state, cause }) => `${id}: ${state}${cause === null ? '' : ` ${cause}`}`);
}

async function events(): Promise<readonly SystemEvent[]> {
  return bus.list({ limit: 1000 });
}

const oneRow = () => database.reader.selectFrom('alerts').selectAll().executeTakeFirstOrThrow();

describe('a posted alert', () => {
  it('is an episode, with its event', async () => {
    expect(await post(DOWN, { startedAgo: MINUTE, annotations: { summary: 'gone' } })).toEqual([]);
    expect(await oneRow()).toMatchObject({
      rule_id: 'posted/Down',
      severity: 'warning',
      value: 'NaN',
      annotations: '{"summary":"gone"}',
      active_at_ms: clock.wallMs() - MINUTE,
      fired_at_ms: clock.wallMs(),
      generator_url: 'http://prometheus/graph',
    });
    expect((await events()).map(({ event_type: type, payload }) => [type, payload])).toMatchObject([
      [
        'monitor.alert.triggered',
        {
          rule_id: 'posted/Down',
          current_value: null,
          posted_by: ['token:a'],
          starts_at: new Date(clock.wallMs() - MINUTE).toISOString(),
        },
      ],
    ]);
  });

  it('that is posted again is the same episode, with the newest annotations', async () => {
    await post(DOWN, { annotations: { summary: 'one' } });
    await clock.advance(3 * MINUTE);
    await post(DOWN, { startedAgo: 3 * MINUTE, annotations: { summary: 'two' } });
    await clock.advance(3 * MINUTE);
    expect(await episodes()).toEqual(['posted/Down: firing']);
    expect((await oneRow()).annotations).toBe('{"summary":"two"}');
    expect(await events()).toHaveLength(1);
  });

  it('ends as recovered where its sender says so, at the time that it says', async () => {
    await post(DOWN);
    await clock.advance(MINUTE);
    await post(DOWN, { startedAgo: MINUTE, endsIn: -1000 });
    expect(await episodes()).toEqual(['posted/Down: resolved recovered']);
    expect((await oneRow()).resolved_at_ms).toBe(clock.wallMs() - 1000);
    expect((await events()).map(({ event_type: type }) => type)).toEqual([
      'monitor.alert.triggered',
      'monitor.alert.resolved',
    ]);
  });

  it('ends as expired where nobody posts it again in time', async () => {
    await post(DOWN);
    await clock.advance(4 * MINUTE + 500);
    expect(await episodes()).toEqual(['posted/Down: resolved expired']);
    await post(DOWN);
    expect(await episodes()).toEqual(['posted/Down: resolved expired', 'posted/Down: firing']);
  });

  it('shares transactions with those of other posts that wait', async () => {
    const before = observer.traffic.transactions;
    const posts = Array.from({ length: 50 }, (_, host) => post({ alertname: 'Down', host: String(host) }));
    expect(await Promise.all(posts)).toEqual(posts.map(() => []));
    expect((await episodes()).length).toBe(50);
    // The first is written at once, and the others after it.
    expect(observer.traffic.transactions - before).toBe(2);
  });

  it('is an episode each where it begins, ends and begins again in posts that wait together', async () => {
    await Promise.all([
      post({ alertname: 'Other' }),
      post(DOWN, { sender: 'token:a' }),
      post(DOWN, { sender: 'token:b' }),
      post(DOWN, { sender: 'token:a', endsIn: -1, startedAgo: 1000 }),
      post(DOWN, { sender: 'token:b', endsIn: -1, startedAgo: 1000 }),
      post(DOWN, { sender: 'token:b' }),
    ]);
    expect((await episodes()).toSorted()).toEqual([
      'posted/Down: firing',
      'posted/Down: resolved recovered',
      'posted/Other: firing',
    ]);
  });

  it('that is over when it is first told of is no episode', async () => {
    await post(DOWN, { startedAgo: MINUTE, endsIn: 0 });
    expect(await episodes()).toEqual([]);
  });

  it('fires while anybody holds it: nobody ends what another says', async () => {
    await post(DOWN);
    await post(DOWN, { sender: 'anonymous', endsIn: MINUTE });
    await post(DOWN, { sender: 'anonymous', endsIn: 0 });
    expect(await episodes()).toEqual(['posted/Down: firing']);
    await post(DOWN, { sender: 'anonymous', endsIn: 10 * MINUTE });
    await clock.advance(5 * MINUTE);
    expect(await oneRow()).toMatchObject({
      state: 'firing',
      posted_claims: expect.stringMatching(/^\[\["anonymous",[^\]]*\]\]$/),
    });
    await post(DOWN, { sender: 'anonymous', endsIn: 0 });
    expect(await episodes()).toEqual(['posted/Down: resolved recovered']);
  });

  it('that fires by a rule of Omoi’s own is that one', async () => {
    const { fingerprint } = await fingerprintOfPosted();
    const writer = new EpisodeWriter(database, bus);
    const begun = [newEpisode('alrt_own', fingerprint)];
    await writer.write({ begun, ended: [], saved: { ruleKey: 'fleet/Silent', put: [], remove: [] } });
    await post(DOWN);
    expect(await episodes()).toEqual(['fleet/Silent: firing', 'posted/Down: resolved recovered']);
  });
});

/** Of `DOWN`, which has ended. */
async function fingerprintOfPosted(): Promise<{ readonly fingerprint: string }> {
  await post(DOWN);
  await post(DOWN, { endsIn: 0 });
  return oneRow();
}

describe('a restart', () => {
  it('goes on with what fires, and with when it ends', async () => {
    await post(DOWN);
    await restart();
    expect(await post(DOWN, { endsIn: 2 * MINUTE })).toEqual([]);
    expect(await episodes()).toEqual(['posted/Down: firing']);
    await clock.advance(5 * MINUTE);
    expect(await episodes()).toEqual(['posted/Down: resolved expired']);
  });

  it('leaves time to post again what could not be posted meanwhile', async () => {
    await post(DOWN);
    await posted.stop();
    await clock.advance(60 * MINUTE);
    await restart();
    await clock.advance(MINUTE);
    expect(await episodes()).toEqual(['posted/Down: firing']);
    await clock.advance(2 * MINUTE);
    expect(await episodes()).toEqual(['posted/Down: resolved expired']);
  });

  it('reads what is on disk where it is not known whether a write went through', async () => {
    observer.faults.push('unanswered');
    await expect(post(DOWN)).rejects.toThrow();
    expect(await post(DOWN)).toEqual([]);
    expect(await episodes()).toEqual(['posted/Down: firing']);
    expect(await events()).toHaveLength(1);
  });
});

describe('one that a person has ended', () => {
  beforeEach(async () => {
    await post(DOWN);
    await posted.resolveByHand((await oneRow()).id);
  });

  it('does not fire again while it goes on to be posted, after a restart as before', async () => {
    await clock.advance(3 * MINUTE);
    await post(DOWN);
    await restart();
    await clock.advance(3 * MINUTE);
    await post(DOWN);
    expect(await episodes()).toEqual(['posted/Down: resolved manual']);
  });

  it('fires again once it has been over', async () => {
    await post(DOWN, { endsIn: 0 });
    await post(DOWN);
    expect(await episodes()).toEqual(['posted/Down: resolved manual', 'posted/Down: firing']);
  });

  it('or once nobody has posted it', async () => {
    await clock.advance(5 * MINUTE);
    await post(DOWN);
    expect(await episodes()).toEqual(['posted/Down: resolved manual', 'posted/Down: firing']);
  });

  it('cannot be ended twice', async () => {
    await expect(posted.resolveByHand((await oneRow()).id)).rejects.toThrow('has been resolved already');
    expect(await post(DOWN)).toEqual([]);
  });
});

describe('bounds', () => {
  const many = (count: number, name = 'Many'): readonly PostedAlert[] =>
    Array.from({ length: count }, (_, at) => alertOf({ alertname: name, at: String(at) }, {}));

  it('a sender may hold 10,000 alerts, and others beside it', async () => {
    const from = { sender: 'token:a', traceparent: null };
    expect(await posted.take(many(10_002), from)).toEqual([
      'too many alerts of one sender fire (maxAlertsPerSender is 10000), 2 times',
    ]);
    const refused = metrics.collect().find(({ name }) => name === 'omoi_posted_alerts_refused_total');
    expect(refused?.points).toMatchObject([{ value: 2 }]);
    expect(await post(DOWN, { sender: 'token:b' })).toEqual([]);
    expect(await episodes()).toHaveLength(10_001);
    // Those that end make room.
    expect(await post({ alertname: 'Many', at: '0' }, { endsIn: 0 })).toEqual([]);
    expect(await post({ alertname: 'Another' })).toEqual([]);
    expect(await post({ alertname: 'OneMore' })).toHaveLength(1);
  });

  it.each<[string, Partial<PostedLimits>, RegExp]>([
    ['all senders together', { maxAlerts: 1 }, /too many posted alerts fire \(maxAlerts is 1\)/],
    ['labels of one', { maxLabels: 1 }, /too many labels and annotations: 2 \(maxLabels is 1\)/],
    ['the size of one', { maxAlertBytes: 40 }, /too long: \d+ bytes \(maxAlertBytes is 40\)/],
  ])('%s', async (_name, limits, problem) => {
    await restart({ ...DEFAULT_POSTED_LIMITS, ...limits });
    await post({ a: '1' }, { sender: 'token:b' });
    expect(await post(DOWN)).toEqual([expect.stringMatching(problem)]);
    expect(await episodes()).not.toContain('posted/Down: firing');
  });

  it('16 senders of one alert', async () => {
    for (let at = 0; at < 16; at++) expect(await post(DOWN, { sender: `token:${at}` })).toEqual([]);
    expect(await post(DOWN, { sender: 'token:16' })).toEqual([
      'too many senders post the same alert (maxSendersPerAlert is 16)',
    ]);
    expect(await post(DOWN, { sender: 'token:3' })).toEqual([]);
  });
});

it(`${maxWaitingPosts} posts wait at a time; one more is to come again`, async () => {
  const post = (at: number) =>
    posted.take([alertOf({ ...DOWN, at: String(at) }, {})], { sender: 'token:a', traceparent: null });
  const waiting = Array.from({ length: maxWaitingPosts }, (_, at) => post(at));
  await expect(post(maxWaitingPosts)).rejects.toMatchObject({
    code: 'ingest_busy',
    message: expect.stringContaining(`${maxWaitingPosts} posts of alerts wait already`),
  });
  expect((await Promise.all(waiting)).flat()).toEqual([]);
  expect(await post(maxWaitingPosts)).toEqual([]);
});
