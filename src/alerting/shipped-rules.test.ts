import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createEventBus, type EventBus } from '#eventbus';
import { createEngine } from '#promql';
import { openTestStateDatabase, type StateDatabase } from '#storage';
import {
  createSeededRandom,
  METRIC_NAME_LABEL,
  SampleBatch,
  SelfMetrics,
  silentLogger,
  VirtualClock,
  type Labels,
} from '#telemetry';
import { createTsdb, type Tsdb } from '#tsdb';
import { RecordedTracing } from '../telemetry/tracing/tracing.test-support.ts';
import type { Alerting } from './alerting.ts';
import { createAlerting } from './create-alerting.ts';

const FOLDER = fileURLToPath(new URL('../../config/alert_rules', import.meta.url));

let clock: VirtualClock;
let database: StateDatabase;
let bus: EventBus;
let tsdb: Tsdb;
let alerting: Alerting;
let tracing: RecordedTracing;

beforeEach(async () => {
  clock = new VirtualClock();
  database = await openTestStateDatabase(clock);
  const metrics = new SelfMetrics();
  const random = createSeededRandom(1);
  bus = createEventBus({ database, clock, random, logger: silentLogger, metrics });
  tsdb = await createTsdb({ clock, logger: silentLogger, selfMetrics: metrics });
  tracing = new RecordedTracing();
  alerting = createAlerting({
    database,
    bus,
    clock,
    random,
    logger: silentLogger,
    tracing,
    metrics,
    engine: createEngine({ clock }),
    source: tsdb,
    sink: tsdb,
    options: { startupGraceMs: 0 },
  });
  const files = readdirSync(FOLDER).map((name) => ({
    name,
    text: readFileSync(`${FOLDER}/${name}`, 'utf8'),
  }));
  await alerting.rules.load(files);
  await alerting.start();
});

afterEach(async () => {
  await alerting.stop();
  await bus.stop();
  await tsdb.stop();
  await database.close();
});

async function append(unit: readonly (readonly [Labels, number])[], traceparent: string | null = null) {
  await advance(10);
  const batch = new SampleBatch();
  const timeMs = Math.floor(clock.wallMs());
  for (const [labels, value] of unit) batch.add(tsdb.series(labels), timeMs, value);
  tsdb.commit(batch, {
    source: 'collector',
    traceparent,
    receivedAtMs: timeMs,
    receivedMonotonicMs: clock.monotonicMs(),
  });
  await advance(10);
}

async function advance(byMs: number): Promise<void> {
  for (let leftMs = byMs; leftMs > 0; leftMs -= 250) {
    await clock.advance(Math.min(250, leftMs));
    await Promise.all([...alerting.rules.states.values()].map((rule) => rule.settled()));
  }
}

const metric = (name: string, labels: Labels = {}): Labels => ({ ...labels, [METRIC_NAME_LABEL]: name });

/** `rule: state cause` of each episode, the oldest first. */
async function episodes(): Promise<readonly string[]> {
  const { alerts } = await alerting.alerts.list({ matchers: [], limit: 100 });
  return alerts
    .toReversed()
    .map((row) => `${row.rule_id}: ${row.state}${row.cause === null ? '' : ` ${row.cause}`}`);
}

describe('the shipped rules, on the real store and engine', () => {
  const queue = (priority: string) => metric('tasks_queued_total', { phase_id: 'PHASE_TESTING', priority });
  const score = metric('anomaly_score', {
    metric_name: 'tasks_queued_total',
    phase_id: 'PHASE_TESTING',
    priority: '0',
  });
  const anomaly = '00-0000000000000000000000000000beef-00000000000000aa-01';

  it('AgentMissing tells of who should be there and is not, after a minute', async () => {
    const missing = metric('agent_missing', { agent_id: 'nightly' });
    for (let minute = 0; minute < 4; minute++) {
      await append([[missing, minute < 3 ? 1 : 0]]);
      await advance(60_000);
    }
    expect(await episodes()).toEqual(['fleet/AgentMissing: resolved recovered']);
    const { alerts } = await alerting.alerts.list({ matchers: ['alertname=AgentMissing'], limit: 1 });
    expect(JSON.parse(alerts[0]?.annotations ?? '')).toMatchObject({
      summary: 'nightly should be there and is not',
    });
  });

  it('ReceiverNotBuilt names the receiver and what it has, until the routing names it no more', async () => {
    const notBuilt = metric('omoi_receiver_not_built', { receiver: 'team', type: 'sns' });
    await append([[notBuilt, 1]]);
    await advance(15_000);
    expect(await episodes()).toEqual(['notification/ReceiverNotBuilt: firing']);
    const { alerts } = await alerting.alerts.list({ matchers: ['alertname=ReceiverNotBuilt'], limit: 1 });
    expect(JSON.parse(alerts[0]?.annotations ?? '')).toMatchObject({
      summary: 'the receiver team has sns_configs, which Omoi does not send to',
    });
    const batch = new SampleBatch();
    batch.addStale(tsdb.series(notBuilt), Math.floor(clock.wallMs()) + 1);
    tsdb.commit(batch, {
      source: 'collector',
      traceparent: null,
      receivedAtMs: clock.wallMs(),
      receivedMonotonicMs: clock.monotonicMs(),
    });
    await advance(60_000);
    expect(await episodes()).toEqual(['notification/ReceiverNotBuilt: resolved data_vanished']);
  });

  it('ReceiverRefuses names the receiver, until it takes a message', async () => {
    const refuses = metric('omoi_receiver_refuses', { receiver: 'team' });
    await append([
      [refuses, 1],
      [metric('omoi_receiver_refuses', { receiver: 'other' }), 0],
    ]);
    await advance(15_000);
    expect(await episodes()).toEqual(['notification/ReceiverRefuses: firing']);
    const { alerts } = await alerting.alerts.list({ matchers: ['alertname=ReceiverRefuses'], limit: 1 });
    expect(JSON.parse(alerts[0]?.annotations ?? '')).toMatchObject({
      summary: 'the receiver team refuses what it is sent: nobody is told by it',
    });
    await append([[refuses, 0]]);
    await advance(15_000);
    expect(await episodes()).toEqual(['notification/ReceiverRefuses: resolved recovered']);
  });

  it('HighQueueDepth needs a long queue and an anomaly, and joins the anomaly’s trace', async () => {
    await append([
      [queue('0'), 20],
      [queue('1'), 15],
    ]);
    await append([[score, 2]]);
    expect(await episodes()).toEqual([]);
    await append([[score, 5]], anomaly);
    expect(await episodes()).toEqual(['fleet/HighQueueDepth: firing']);
    const [alert] = (await alerting.alerts.list({ matchers: [], limit: 1 })).alerts;
    expect(alert).toMatchObject({
      metric_name: 'tasks_queued_total',
      threshold: 30,
      comparison: '>',
      value: '35',
      severity: 'warning',
      annotations: expect.stringContaining('35 tasks wait in PHASE_TESTING'),
    });
    expect(alert?.traceparent).toContain('0000beef');
    await append([[score, 1]]);
    await advance(20_000);
    expect(await episodes()).toEqual(['fleet/HighQueueDepth: firing']);
    await append([[queue('0'), 2]]);
    await advance(2000);
    expect(await episodes()).toEqual(['fleet/HighQueueDepth: resolved recovered']);
    expect(tracing.spans.map((span) => span.name)).toEqual([
      'alerting.evaluate',
      'alerting.alert',
      'alerting.resolve',
    ]);
  });

  it('a missed heartbeat is no alert, whatever the count; an agent that is UNRESPONSIVE because of them is one', async () => {
    const missed = metric('agent_heartbeats_missed', { agent_id: 'w1' });
    const unresponsive = metric('agent_status', { agent_id: 'w1', status: 'UNRESPONSIVE' });
    await append([[missed, 1]]);
    await append([[missed, 3]]);
    await advance(2000);
    expect(await episodes()).toEqual([]);
    await append([[unresponsive, 1]]);
    expect(await episodes()).toEqual(['fleet/AgentUnresponsive: firing']);
    // A server that was started anew counts anew.
    await append([[missed, 0]]);
    await advance(2000);
    expect(await episodes()).toEqual(['fleet/AgentUnresponsive: firing']);
    await append([[unresponsive, 0]]);
    await advance(2000);
    expect(await episodes()).toEqual(['fleet/AgentUnresponsive: resolved recovered']);
  });

  it('AgentClingsToLostTask names the agent until it has let go', async () => {
    const clings = metric('agent_clings_to_lost_task', { agent_id: 'w1' });
    await append([[clings, 1]]);
    const [alert] = (await alerting.alerts.list({ matchers: ['agent_id="w1"'], limit: 1 })).alerts;
    expect(alert).toMatchObject({ rule_id: 'fleet/AgentClingsToLostTask', severity: 'warning' });
    await append([[clings, 0]]);
    await advance(2000);
    expect(await episodes()).toEqual(['fleet/AgentClingsToLostTask: resolved recovered']);
  });

  it('AgentStalled names the agent until it moves again', async () => {
    const stalled = metric('agent_status', { agent_id: 'w1', status: 'STALLED' });
    await append([[stalled, 1]]);
    const [alert] = (await alerting.alerts.list({ matchers: ['agent_id="w1"'], limit: 1 })).alerts;
    expect(alert).toMatchObject({ rule_id: 'fleet/AgentStalled', severity: 'error' });
    await append([[stalled, 0]]);
    await advance(2000);
    expect(await episodes()).toEqual(['fleet/AgentStalled: resolved recovered']);
  });

  it('AgentFailed names the agent; one that is removed is not recovered', async () => {
    const failed = metric('agent_status', { agent_id: 'w1', status: 'FAILED' });
    await append([[failed, 1]]);
    const [alert] = (await alerting.alerts.list({ matchers: ['agent_id="w1"'], limit: 1 })).alerts;
    expect(alert).toMatchObject({ rule_id: 'fleet/AgentFailed', severity: 'error' });
    const batch = new SampleBatch();
    batch.addStale(tsdb.series(failed), Math.floor(clock.wallMs()) + 1);
    tsdb.commit(batch, {
      source: 'collector',
      traceparent: null,
      receivedAtMs: clock.wallMs(),
      receivedMonotonicMs: 0,
    });
    await advance(2000);
    expect(await episodes()).toEqual(['fleet/AgentFailed: resolved data_vanished']);
  });

  it('TaskStuck tells of a claim that runs for more than an hour, TaskParked of tasks that wait for a person', async () => {
    const kind = { phase_id: 'PHASE_TESTING', task_type: 'fetch' };
    const age = metric('task_running_age_seconds', kind);
    const parked = metric('tasks_parked', kind);
    await append([
      [age, 3600],
      [parked, 0],
    ]);
    expect(await episodes()).toEqual([]);
    await append([[age, 3601]]);
    await append([[parked, 2]]);
    const { alerts } = await alerting.alerts.list({ matchers: ['task_type="fetch"'], limit: 10 });
    expect(alerts.map(({ rule_id, annotations }) => [rule_id, annotations])).toEqual([
      ['fleet/TaskParked', expect.stringContaining('2 fetch tasks wait for a person')],
      ['fleet/TaskStuck', expect.stringContaining('has run for 1h 0m 1s')],
    ]);
    await append([
      [age, 2],
      [parked, 0],
    ]);
    await advance(2000);
    expect((await episodes()).toSorted()).toEqual([
      'fleet/TaskParked: resolved recovered',
      'fleet/TaskStuck: resolved recovered',
    ]);
  });

  it('TasksUnserved tells of tasks that nobody has claimed for a minute, and ends when somebody does', async () => {
    const kind = { phase_id: 'PHASE_TESTING', task_type: 'fetsh' };
    const unserved = metric('tasks_unserved', kind);
    await append([[unserved, 3]]);
    await advance(59_000);
    expect(await episodes()).toEqual([]);
    await append([[unserved, 3]]);
    await advance(16_000);
    const { alerts } = await alerting.alerts.list({ matchers: ['task_type="fetsh"'], limit: 10 });
    expect(alerts).toMatchObject([{ rule_id: 'fleet/TasksUnserved', severity: 'warning' }]);
    expect(alerts[0]?.annotations).toContain(
      '3 fetsh tasks wait in PHASE_TESTING and no living agent claims them',
    );
    await append([[unserved, 0]]);
    await advance(2000);
    expect(await episodes()).toEqual(['fleet/TasksUnserved: resolved recovered']);
  });

  it('AnomalyOnSeries tells of any series, for a while', async () => {
    await append([[metric('anomaly_score', { metric_name: 'x', job: 'a' }), 9]]);
    await advance(4000);
    expect(await episodes()).toEqual([]);
    await advance(1500);
    expect(await episodes()).toEqual(['anomalies/AnomalyOnSeries: firing']);
    const { alerts } = await alerting.alerts.list({ matchers: [], limit: 1 });
    expect(alerts[0]?.annotations).toContain('"description":"Series: job=a metric_name=x"');
  });
});
