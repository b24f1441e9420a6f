import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createAlerting, type Alerting } from '#alerting';
import { createEventBus } from '#eventbus';
import { createEngine } from '#promql';
import { openTestStateDatabase, openTestTelemetryDatabase, type StateDatabase } from '#storage';
import {
  createSeededRandom,
  SampleBatch,
  SelfMetrics,
  silentLogger,
  VirtualClock,
  type AppendOrigin,
  type Labels,
} from '#telemetry';
import { createTsdb, type Tsdb } from '#tsdb';
import { RecordedTracing } from '../telemetry/tracing/tracing.test-support.ts';
import { AlertSenders, MAX_SENDERS_FOUND } from './alert-senders.ts';

let clock: VirtualClock;
let database: StateDatabase;
let telemetry: Awaited<ReturnType<typeof openTestTelemetryDatabase>>;
let directory: string;
let tsdb: Tsdb;
let alerting: Alerting;
let senders: AlertSenders;

beforeEach(async () => {
  clock = new VirtualClock();
  database = await openTestStateDatabase(clock, 'none');
  const parts = {
    clock,
    database,
    logger: silentLogger,
    metrics: new SelfMetrics(),
    random: createSeededRandom(1),
  };
  telemetry = await openTestTelemetryDatabase(clock);
  directory = await mkdtemp(join(tmpdir(), 'omoi-senders-'));
  const { logger, metrics: selfMetrics } = parts;
  tsdb = await createTsdb({ clock, logger, selfMetrics, directory, telemetryDatabase: telemetry });
  alerting = createAlerting({
    ...parts,
    bus: createEventBus(parts),
    tracing: new RecordedTracing(),
    engine: createEngine({ clock }),
    source: tsdb,
    sink: tsdb,
    options: {},
  });
  senders = new AlertSenders(alerting, tsdb);
});
afterEach(async () => {
  await tsdb.stop();
  await database.close();
  await telemetry.close();
  await rm(directory, { recursive: true, force: true });
});

function load(...rules: readonly string[]): Promise<unknown> {
  return alerting.rules.load([{ name: 'r.yaml', text: `groups: [{name: g, rules: [${rules.join(', ')}]}]` }]);
}

/** The sender `rule` and `detector` stand for what Omoi has derived itself. */
function send(sender: string, name: string, labels: Labels = {}): void {
  const batch = new SampleBatch();
  batch.add(tsdb.series({ ...labels, __name__: name }), clock.wallMs(), 1);
  const at = { traceparent: null, receivedAtMs: clock.wallMs(), receivedMonotonicMs: clock.monotonicMs() };
  const origin: AppendOrigin =
    sender === 'rule' || sender === 'detector'
      ? { source: sender, ...at }
      : { source: 'otlp', sender, ...at };
  expect(tsdb.commit(batch, origin).accepted).toBe(1);
}

function of(labels: Labels = {}, rule = 'g/A'): string {
  const found = senders.of(rule, { alertname: 'A', ...labels });
  return found === null ? 'unknown' : [...found].sort().join(' ');
}

describe('an alert rests on the word of', () => {
  it('who has sent the series with its labels, and of nobody else', async () => {
    await load('{alert: A, expr: "load > 1"}');
    send('token:a', 'load', { agent_id: 'w-1' });
    send('token:b', 'load', { agent_id: 'w-2' });
    send('token:c', 'load', { agent_id: 'w-1', host: 'h' });
    send('token:d', 'other', { agent_id: 'w-1' });
    expect(of({ agent_id: 'w-1' })).toBe('token:a');
    expect(of({ agent_id: 'w-2' })).toBe('token:b');
    expect(of({ agent_id: 'w-1', host: 'h' })).toBe('token:c');
  });

  it('everybody whose series lie in its sum', async () => {
    await load('{alert: A, expr: "sum by (agent_id) (load) > 1"}');
    send('token:a', 'load', { agent_id: 'w-1' });
    send('anonymous', 'load', { agent_id: 'w-1', host: 'h' });
    send('token:b', 'load', { agent_id: 'w-2' });
    expect(of({ agent_id: 'w-1' })).toBe('anonymous token:a');
  });

  it.each([
    ['a threshold', 'load > on (agent_id) max_load'],
    ['an exception', 'load > 1 unless on (agent_id) max_load'],
    ['a condition', 'load > 1 and on (agent_id) max_load > 5'],
    ['a number', 'load > scalar(max_load)'],
  ])('who has sent %s too', async (_name, expr) => {
    await load(`{alert: A, expr: "${expr}"}`);
    send('token:a', 'load', { agent_id: 'w-1' });
    send('token:b', 'max_load', { agent_id: 'w-1' });
    expect(of({ agent_id: 'w-1' })).toBe('token:a token:b');
  });

  it('all who have sent such series, where a label that the rule writes hides which', async () => {
    await load(`{alert: A, expr: "load > 1", labels: {agent_id: '{{ $labels.victim }}'}}`);
    send('token:a', 'load', { victim: 'w-1' });
    send('token:b', 'load', { victim: 'w-2' });
    expect(of({ agent_id: 'w-1', victim: 'w-1' })).toBe('token:a');
    await load(`{alert: A, expr: "load > 1", labels: {victim: 'w-1'}}`);
    expect(of({ victim: 'w-1' })).toBe('token:a token:b');
  });

  it('anybody, where a label of the rule is the answer of a query', async () => {
    await load(
      `{alert: A, expr: "agent_status > 1", labels: {agent_id: '{{ with query "who" }}{{ . | first }}{{ end }}'}}`,
    );
    send('omoi', 'agent_status');
    expect(of({ agent_id: 'w-1' })).toBe('anonymous omoi');
  });

  it('anybody, where there is nothing: whoever might have sent it was silent', async () => {
    await load('{alert: A, expr: "absent(load)"}');
    expect(of()).toBe('anonymous');
  });

  it('Omoi, where nothing is there that Omoi alone may send', async () => {
    await load('{alert: A, expr: "absent(agent_status)"}');
    expect(of()).toBe('');
  });

  it('nobody, where nothing is read', async () => {
    await load('{alert: A, expr: "vector(1)"}');
    expect(of()).toBe('');
  });

  it('what is known of a rule that is gone: nothing', async () => {
    await load('{alert: B, expr: "load"}');
    expect(of()).toBe('unknown');
  });
});

describe('what is derived rests on what it was derived from:', () => {
  it('recorded, and recorded again', async () => {
    await load(
      '{alert: A, expr: "two > 1"}',
      '{record: one, expr: "load"}',
      '{record: two, expr: "sum by (agent_id) (one)"}',
    );
    send('token:a', 'load', { agent_id: 'w-1' });
    send('token:b', 'load', { agent_id: 'w-2' });
    for (const agent_id of ['w-1', 'w-2']) {
      send('rule', 'one', { agent_id });
      send('rule', 'two', { agent_id });
    }
    expect(of({ agent_id: 'w-1' })).toBe('token:a');
  });

  it('recorded in a circle', async () => {
    await load('{alert: A, expr: "one > 1"}', '{record: one, expr: "one or load"}');
    send('token:a', 'load');
    send('rule', 'one');
    expect(of()).toBe('token:a');
  });

  it('recorded by a rule that is gone', async () => {
    await load('{alert: A, expr: "one > 1"}');
    send('rule', 'one');
    expect(of()).toBe('anonymous');
  });

  it('the alert of another rule', async () => {
    await load(`{alert: A, expr: 'ALERTS{alertname="B"}'}`, '{alert: B, expr: "load > 1"}');
    send('anonymous', 'load', { agent_id: 'w-1' });
    send('token:a', 'load', { agent_id: 'w-2' });
    send('rule', 'ALERTS', { alertname: 'B', alertstate: 'firing', agent_id: 'w-1' });
    expect(of({ agent_id: 'w-1', alertname: 'A', alertstate: 'firing' })).toBe('anonymous');
  });

  it('the score of a series', async () => {
    await load('{alert: A, expr: "anomaly_score > 8"}');
    send('token:a', 'load', { agent_id: 'w-1' });
    send('token:b', 'load', { agent_id: 'w-2' });
    send('detector', 'anomaly_score', { agent_id: 'w-1', metric_name: 'load' });
    expect(of({ agent_id: 'w-1', metric_name: 'load' })).toBe('token:a');
  });

  it('the score of an agent: what the fleet has seen of its tasks', async () => {
    await load('{alert: A, expr: "agent_anomaly_score > 0.5"}');
    send('detector', 'agent_anomaly_score', { agent_id: 'w-1' });
    expect(of({ agent_id: 'w-1' })).toBe('omoi');
  });

  it('what has long left memory, where the expression looks back so far', async () => {
    await load('{alert: A, expr: "max_over_time(load[1d]) > 1"}', '{alert: B, expr: "load > 1"}');
    send('token:a', 'load', { agent_id: 'w-1' });
    await clock.advance(5 * 3_600_000);
    for (let round = 0; round < 3; round++) await tsdb.runMaintenance();
    expect(of({ agent_id: 'w-1' })).toBe('token:a');
    send('token:b', 'load', { agent_id: 'w-1' });
    expect(of({ agent_id: 'w-1' })).toBe('token:a token:b');
    expect(of({ agent_id: 'w-1' }, 'g/B')).toBe('token:b');
  });

  it('a sum over more recorded series than are followed one by one', async () => {
    await load('{alert: A, expr: "sum(one) > 1"}', '{record: one, expr: "load"}');
    for (let at = 0; at < 50; at++) {
      send(`token:${at % 2}`, 'load', { agent_id: `w-${at}` });
      send('rule', 'one', { agent_id: `w-${at}` });
    }
    expect(of()).toBe('token:0 token:1');
  });

  it('a maximum over more scores than are followed one by one', async () => {
    await load('{alert: A, expr: "max(anomaly_score) > 6"}');
    for (let at = 0; at < 50; at++) {
      send(`token:${at === 49 ? 'last' : 'a'}`, 'load', { agent_id: `w-${at}` });
      send('detector', 'anomaly_score', { metric_name: 'load', agent_id: `w-${at}` });
    }
    send('token:b', 'other');
    send('detector', 'anomaly_score', { metric_name: 'other' });
    expect(of()).toBe('token:a token:b token:last');
  });

  it('a sum over more senders than are looked for: there are more than so many', async () => {
    await load('{alert: A, expr: "sum(load) > 1"}');
    for (let at = 0; at < MAX_SENDERS_FOUND + 50; at++)
      send(`agent:w-${at}`, 'load', { agent_id: `w-${at}` });
    expect(senders.of('g/A', { alertname: 'A' })?.size).toBe(MAX_SENDERS_FOUND + 1);
  });

  it('a sum over very many series of few senders: of each sender one is looked at', async () => {
    await load(
      '{alert: A, expr: "sum(load) > 1"}',
      '{alert: B, expr: "sum(one) > 1"}',
      '{record: one, expr: "load"}',
    );
    for (let at = 0; at < 3000; at++) {
      send(`token:${at === 2999 ? 'last' : at % 2}`, 'load', { host: `h-${at}` });
      if (at < 1000) send('rule', 'one', { host: `h-${at}` });
    }
    let looks = 0;
    const counted = new AlertSenders(alerting, {
      sendersVersion: 0,
      visitSenders: (selected, visit) =>
        tsdb.visitSenders(selected, (sender, labels) => {
          looks++;
          return visit(sender, labels);
        }),
      sendersOfMetric: (name, reachMs) => tsdb.sendersOfMetric(name, reachMs),
      archivedSenders: (name, reachMs) => tsdb.archivedSenders(name, reachMs),
    });
    const all = ['token:0', 'token:1', 'token:last'];
    expect([...(counted.of('g/A', { alertname: 'A' }) ?? [])].sort()).toEqual(all);
    expect(looks).toBe(3);
    expect([...(counted.of('g/B', { alertname: 'B' }) ?? [])].sort()).toEqual(all);
    expect(looks).toBeLessThan(200);
  });

  it('scores of several metrics, however many there are of one', async () => {
    await load('{alert: A, expr: "max(anomaly_score) > 6"}');
    send('token:b', 'other');
    for (let at = 0; at < 200; at++) {
      send('token:a', 'load', { host: `h-${at}` });
      send('detector', 'anomaly_score', { metric_name: 'load', host: `h-${at}` });
    }
    send('detector', 'anomaly_score', { metric_name: 'other' });
    expect(of()).toBe('token:a token:b');
  });

  it('a sum over metrics by a label, of which each is recorded by a rule of its own', async () => {
    await load(
      `{alert: A, expr: "sum({job='x'}) > 1"}`,
      '{record: one, expr: "load", labels: {job: x}}',
      '{record: two, expr: "other", labels: {job: x}}',
    );
    for (let at = 0; at < 100; at++) {
      send('token:a', 'load', { host: `h-${at}` });
      send('rule', 'one', { job: 'x', host: `h-${at}` });
    }
    send('token:b', 'other');
    send('rule', 'two', { job: 'x' });
    expect(of()).toBe('token:a token:b');
  });

  it('a sum over few of more series than can be looked at: whoever has sent any of the metric, or anybody', async () => {
    await load(
      `{alert: A, expr: "sum(load{host=~'x-.*'}) > 1"}`,
      `{alert: B, expr: "sum({host=~'x-.*'}) > 1"}`,
      `{alert: C, expr: "sum(load{host='x-1'}) > 1"}`,
    );
    const batch = new SampleBatch();
    for (let at = 0; at < 21_000; at++) {
      batch.add(tsdb.series({ __name__: 'load', host: `h-${at}` }), clock.wallMs(), 1);
    }
    const at = { traceparent: null, receivedAtMs: clock.wallMs(), receivedMonotonicMs: clock.monotonicMs() };
    tsdb.commit(batch, { source: 'otlp', sender: 'token:a', ...at });
    send('token:b', 'load', { host: 'x-1' });
    expect(of()).toBe('token:a token:b');
    expect(of({ alertname: 'B' }, 'g/B')).toBe('anonymous');
    expect(of({ alertname: 'C' }, 'g/C')).toBe('token:b');
  });

  it('more archived senders than are looked for: no more of them are looked at', async () => {
    await load('{alert: A, expr: "max_over_time(load[3d]) > 1"}');
    let looks = 0;
    const store = {
      sendersVersion: 0,
      visitSenders: () => true,
      *sendersOfMetric() {},
      *archivedSenders(): Generator<readonly [string, string]> {
        for (;;) yield [`token:${looks++}`, 'load'];
      },
    };
    const found = new AlertSenders(alerting, store).of('g/A', { alertname: 'A' });
    expect(found?.size).toBe(MAX_SENDERS_FOUND + 1);
    expect(looks).toBeLessThanOrEqual(MAX_SENDERS_FOUND + 2);
  });
});

describe('is found out anew', () => {
  it('when somebody else sends a series of its own', async () => {
    await load('{alert: A, expr: "sum(load) > 1"}');
    send('token:a', 'load', { host: 'a' });
    expect(of()).toBe('token:a');
    send('token:b', 'load', { host: 'b' });
    expect(of()).toBe('token:a token:b');
  });

  it.each([
    ['0s', 0],
    ['1h', 60],
  ])(
    'when the samples of who was displaced have no part in it any more (kept firing for %s)',
    async (keepFiringFor, keptMinutes) => {
      await load(`{alert: A, expr: "load > 0", keep_firing_for: ${keepFiringFor}}`);
      await alerting.start();
      send('anonymous', 'load');
      const minutes = async (count: number): Promise<void> => {
        for (let minute = 0; minute < count; minute++) {
          await clock.advance(60_000);
          send('token:a', 'load');
        }
      };
      // It is read for five minutes, and an evaluation may be as old.
      await minutes(keptMinutes + 9);
      expect(of()).toBe('anonymous token:a');
      await minutes(3);
      expect(of()).toBe('token:a');
      await alerting.stop();
    },
  );

  it('not by time alone where its rule can’t be evaluated', async () => {
    await load('{alert: A, expr: "load > 0"}');
    send('anonymous', 'load');
    for (let minute = 0; minute < 20; minute++) {
      await clock.advance(60_000);
      send('token:a', 'load');
    }
    expect(of()).toBe('anonymous token:a');
  });

  it('when its rule has changed', async () => {
    await load('{alert: A, expr: "load > 1"}');
    send('token:a', 'load');
    send('token:b', 'other');
    expect(of()).toBe('token:a');
    await load('{alert: A, expr: "other > 1"}');
    expect(of()).toBe('token:b');
  });
});
