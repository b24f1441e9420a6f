import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createAlerting, type Alerting } from '#alerting';
import { createEventBus } from '#eventbus';
import { createOtlpReceiver, createRemoteWriteReceiver } from '#ingest';
import { createEngine, parseMatcher } from '#promql';
import { openTestStateDatabase, type StateDatabase } from '#storage';
import {
  createSeededRandom,
  type Grant,
  type Labels,
  labelsKey,
  METRIC_NAME_LABEL,
  OMOI_SENDER,
  SampleBatch,
  SelfMetrics,
  type Sender,
  silentLogger,
  VirtualClock,
  withoutLabels,
} from '#telemetry';
import { createTsdb, type Tsdb } from '#tsdb';
import type { AlertFacts, SpokenFor } from '#watchdog';
import { propertyLimitMs, heavyPropertyRuns, propertySeed } from '../../tests/property-runs.ts';
import { encodeWriteRequest, snappy } from '../../tests/remote-write-request.ts';
import { RecordedTracing } from '../telemetry/tracing/tracing.test-support.ts';
import { createAlertAuthority } from './alert-authority.ts';
import { AlertSenders } from './alert-senders.ts';
import { isReserved } from './own-metrics.ts';

/*
 * Whatever anybody sends: where a policy may act on a target, the same alert fires without all that was sent by those who
 * may not speak for it. What they sent has changed nothing.
 */

const RECORDED = { one: 'max by (agent_id) (load)', two: 'sum by (agent_id, pool_id) (one or load)' };
const ALERTING = [
  'load > 5',
  'load > on (agent_id) limit',
  'load > 5 unless on (agent_id) limit',
  'load > 5 and on (agent_id, pool_id) limit > 2',
  'sum by (agent_id) (load) > 8',
  'sum by (pool_id) (load) > 8',
  'sum without (host) (load) > 5',
  'count(load) > 1',
  'topk by (pool_id) (1, load) > 3',
  'absent(load{agent_id="w-1"})',
  'load > scalar(limit)',
  'label_replace(load, "agent_id", "w-1", "host", "a") > 3',
  'agent_status > 0 and on (agent_id) load > 3',
  'agent_status > 0 or on (agent_id) load > 3',
  'agent_status > 0 unless on (agent_id) limit',
  'one > 4',
  'two > 6',
  'max_over_time(load[5m]) > 6',
];

const TARGETS: readonly SpokenFor[] = [
  { kind: 'agent', id: 'w-1', poolId: 'p' },
  { kind: 'agent', id: 'w-2', poolId: 'q' },
  { kind: 'pool', id: 'p', poolId: 'p' },
];
const POOLS: Readonly<Record<string, string>> = { 'w-1': 'p', 'w-2': 'q' };
const GRANTS: Readonly<Record<Sender, Grant>> = {
  'token:trusted': { pools: ['p'], agents: [], matchers: [parseMatcher('pool_id="q"')] },
};
/** Who may speak for which targets, said once more and otherwise than the code does. */
const SPEAKERS: Readonly<Record<string, readonly Sender[]>> = {
  'agent w-1': [OMOI_SENDER, 'agent:w-1', 'pool:p', 'token:trusted'],
  'agent w-2': [OMOI_SENDER, 'agent:w-2', 'pool:q', 'token:trusted'],
  'pool p': [OMOI_SENDER, 'pool:p', 'token:trusted'],
};

interface Send {
  readonly sender: Sender;
  readonly by: 'otlp' | 'remote_write';
  readonly name: string;
  readonly labels: Labels;
  readonly value: number;
}

const send: fc.Arbitrary<Send> = fc.record({
  sender: fc.constantFrom(
    'anonymous',
    'agent:w-1',
    'agent:w-2',
    'pool:p',
    'token:ci',
    'token:trusted',
    OMOI_SENDER,
  ),
  by: fc.constantFrom('otlp', 'remote_write'),
  name: fc.constantFrom('load', 'load', 'load', 'limit', 'one', 'agent_status', 'ALERTS'),
  labels: fc
    .record({
      agent_id: fc.option(fc.constantFrom('w-1', 'w-2')),
      pool_id: fc.option(fc.constantFrom('p', 'q')),
      host: fc.option(fc.constantFrom('a', 'b')),
    })
    .map(
      (labels) => Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== null)) as Labels,
    ),
  value: fc.integer({ min: 1, max: 10 }),
});

let database: StateDatabase;
let alerting: Alerting;
const clock = new VirtualClock();
const engine = createEngine({ clock });

beforeAll(async () => {
  database = await openTestStateDatabase(clock, 'none');
  const parts = {
    clock,
    database,
    logger: silentLogger,
    metrics: new SelfMetrics(),
    random: createSeededRandom(1),
  };
  const source = await memoryStore();
  alerting = createAlerting({
    ...parts,
    bus: createEventBus(parts),
    tracing: new RecordedTracing(),
    engine,
    source,
    sink: source,
    options: {},
  });
  const rules = [
    ...Object.entries(RECORDED).map(([record, expr]) => ({ record, expr })),
    ...ALERTING.map((expr, at) => ({ alert: `A${at}`, expr })),
  ];
  await alerting.rules.load([{ name: 'r.yaml', text: JSON.stringify({ groups: [{ name: 'g', rules }] }) }]);
});
afterAll(() => database.close());

function memoryStore(): Promise<Tsdb> {
  return createTsdb({ clock, logger: silentLogger, selfMetrics: new SelfMetrics() });
}

/** A store with what was sent, and what the recording rules make of it. */
async function storeOf(sends: readonly Send[]): Promise<Tsdb> {
  const tsdb = await memoryStore();
  const parts = { clock, random: createSeededRandom(1), selfMetrics: new SelfMetrics(), isReserved };
  const remoteWrite = createRemoteWriteReceiver({ ...parts, sink: tsdb });
  const nothing = { receive: () => Promise.resolve() };
  const agentPool = (agentId: string): string | null => POOLS[agentId] ?? null;
  const otlp = createOtlpReceiver({ ...parts, samples: tsdb, spans: nothing, logs: nothing, agentPool });
  for (const { sender, by, name, labels, value } of sends) {
    await clock.advance(1);
    if (sender === OMOI_SENDER)
      commit(tsdb, 'collector', isReserved(name) ? name : 'agent_status', [{ labels, value }]);
    else if (by === 'remote_write') {
      const named = Object.entries({ __name__: name, ...labels }).sort(([a], [b]) => (a < b ? -1 : 1));
      const request = encodeWriteRequest([
        { labels: named, samples: [{ timestampMs: clock.wallMs(), value }] },
      ]);
      // What is refused is not there.
      await remoteWrite.handle({ body: snappy(request), traceparent: null, sender }).catch(() => undefined);
    } else {
      const attributes = Object.entries(labels).map(([key, text]) => ({ key, value: { stringValue: text } }));
      const dataPoints = [{ timeUnixNano: `${clock.wallMs()}000000`, asInt: value, attributes }];
      const body = { resourceMetrics: [{ scopeMetrics: [{ metrics: [{ name, gauge: { dataPoints } }] }] }] };
      await otlp.receive({
        signal: 'metrics',
        encoding: 'json',
        body: Buffer.from(JSON.stringify(body)),
        sender: { name: sender, scope: scopeOf(sender) },
        take: () => undefined,
      });
    }
  }
  for (const [name, expr] of Object.entries(RECORDED)) commit(tsdb, 'rule', name, elementsOf(tsdb, expr));
  return tsdb;
}

function scopeOf(
  sender: Sender,
): { readonly agentIds: readonly string[]; readonly poolId: string | null } | null {
  const [kind, id = ''] = sender.split(':');
  if (kind === 'agent') return { agentIds: [id], poolId: null };
  return kind === 'pool' ? { agentIds: [], poolId: id } : null;
}

interface Element {
  readonly labels: Labels;
  readonly value: number;
}

function commit(tsdb: Tsdb, source: 'collector' | 'rule', name: string, elements: readonly Element[]): void {
  const batch = new SampleBatch();
  for (const { labels, value } of elements) {
    batch.add(tsdb.series({ ...labels, __name__: name }), clock.wallMs(), value);
  }
  const at = { traceparent: null, receivedAtMs: clock.wallMs(), receivedMonotonicMs: clock.monotonicMs() };
  tsdb.commit(batch, { source, ...at });
}

/** None where the expression fails, as a join of many with many does. */
function elementsOf(tsdb: Tsdb, expr: string): readonly Element[] {
  try {
    const result = engine.prepare(expr).instant(tsdb, clock.wallMs());
    if (result instanceof Promise || result.kind !== 'vector')
      throw new Error(`${expr} is not answered from memory`);
    return result.elements.map(({ labels, value }) => ({
      labels: withoutLabels(labels, METRIC_NAME_LABEL),
      value,
    }));
  } catch (thrown) {
    if (String(thrown).includes('not answered')) throw thrown;
    return [];
  }
}

function alertOf(rule: number, labels: Labels): AlertFacts {
  const told = {
    severity: 'error',
    state: 'firing',
    cause: null,
    value: 1,
    worse: null,
    maintained: false,
    postedBy: null,
    traceparent: null,
  } as const;
  return { alertId: 'a', ruleId: `g/A${rule}`, labels: { ...labels, alertname: `A${rule}` }, ...told };
}

it(
  'what those send who may not speak for a target has no part in an alert that acts on it',
  async () => {
    let acted = 0;
    let held = 0;
    const sends = fc.array(send, { minLength: 1, maxLength: 8 });
    const property = fc.asyncProperty(sends, async (all) => {
      const tsdb = await storeOf(all);
      const authority = createAlertAuthority(
        new AlertSenders(alerting, tsdb),
        (sender) => GRANTS[sender] ?? null,
      );
      for (const target of TARGETS) {
        const speakers = SPEAKERS[`${target.kind} ${target.id}`] ?? [];
        const trusted = await storeOf(all.filter(({ sender }) => speakers.includes(sender)));
        for (const [rule, expr] of ALERTING.entries()) {
          const without = new Set(elementsOf(trusted, expr).map(({ labels }) => labelsKey(labels)));
          for (const { labels } of elementsOf(tsdb, expr)) {
            const refusal = authority.refusalOf(alertOf(rule, labels), target);
            if (refusal !== null) held++;
            else {
              acted++;
              expect([expr, labels, without.has(labelsKey(labels))]).toEqual([expr, labels, true]);
            }
          }
        }
        await trusted.stop();
      }
      await tsdb.stop();
    });
    await fc.assert(property, { seed: propertySeed, numRuns: heavyPropertyRuns(60) });
    // It would hold of a guard that lets nothing pass, or everything.
    expect([acted > 50, held > 50]).toEqual([true, true]);
  },
  propertyLimitMs,
);
