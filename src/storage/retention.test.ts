import { CompiledQuery, sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SelfMetrics, silentLogger, VirtualClock } from '#telemetry';
import type { StateDatabase, TelemetryDatabase } from './database.ts';
import { deadCursorMs, stateRetention, telemetryRetention } from './retention-rules.ts';
import { Retention, retentionJobs, retentionQuery, type RetentionJob } from './retention.ts';
import { openTestStateDatabase, openTestTelemetryDatabase } from './test-databases.ts';

const DAY_MS = 86_400_000;
const keep = {
  eventsMs: 30 * DAY_MS,
  alertsMs: 90 * DAY_MS,
  anomaliesMs: 30 * DAY_MS,
  remediationsMs: 90 * DAY_MS,
  tasksMs: 30 * DAY_MS,
  auditMs: 365 * DAY_MS,
};
const spansMs = 7 * DAY_MS;
let clock: VirtualClock;
let state: StateDatabase;
let telemetry: TelemetryDatabase;
let metrics: SelfMetrics;
beforeEach(async () => {
  clock = new VirtualClock();
  metrics = new SelfMetrics();
  state = await openTestStateDatabase(clock, 'none');
  telemetry = await openTestTelemetryDatabase(clock, 'none');
});
afterEach(async () => {
  await state.close();
  await telemetry.close();
});

function retentionOf(...more: readonly RetentionJob[]): Retention {
  const jobs = [
    ...more,
    ...retentionJobs(state, stateRetention(keep), { clock }),
    ...retentionJobs(telemetry, telemetryRetention({ spansMs }), { clock }),
  ];
  return new Retention({ jobs, clock, logger: silentLogger, metrics });
}

async function addEvents(count: number, ageMs: number): Promise<void> {
  await state.transaction(async (tx) => {
    for (let at = 0; at < count; at++) {
      await tx.db
        .insertInto('events')
        .values({
          event_type: 'fleet.pool.changed',
          entity_type: 'pool',
          entity_id: 'p',
          payload: '{}',
          at_ms: tx.nowMs - ageMs,
          traceparent: null,
          trace_id: null,
        })
        .execute();
    }
  });
}

const addCursor = (consumer: string, lastEventId: number, ageMs: number) =>
  state.transaction((tx) =>
    tx.db
      .insertInto('event_cursors')
      .values({ consumer, last_event_id: lastEventId, updated_at_ms: tx.nowMs - ageMs })
      .execute(),
  );
const eventIds = async () =>
  (await state.reader.selectFrom('events').select('id').orderBy('id').execute()).map((row) => row.id);

describe('retention', () => {
  it('deletes in batches what is too old and keeps the rest', async () => {
    await addEvents(1203, 31 * DAY_MS);
    await addEvents(2, 29 * DAY_MS);
    const retention = retentionOf();
    await retention.run();
    expect(await eventIds()).toEqual([1204, 1205]);
    const counted = metrics.collect().find((found) => found.name === 'omoi_retention_deleted_total');
    expect(counted?.points).toContainEqual({ suffix: '', labels: { table: 'events' }, value: 1203 });
    await retention.stop();
  });

  it.each([
    ['a live consumer has yet to read', 0, [4, 5]],
    ['a consumer has not touched for too long', deadCursorMs + 1, []],
  ])('keeps events that %s', async (_what, cursorAgeMs, kept) => {
    await addEvents(5, 40 * DAY_MS);
    await addCursor('ahead', 5, 0);
    await addCursor('behind', 3, cursorAgeMs);
    const retention = retentionOf();
    await retention.run();
    expect(await eventIds()).toEqual(kept);
    await retention.stop();
  });

  it('runs by itself, and one job that fails holds up no other', async () => {
    const ran: number[] = [];
    const retention = new Retention({
      jobs: [
        {
          name: 'broken',
          async run() {
            throw new Error('out of luck');
          },
        },
        {
          name: 'whole',
          async run(nowMs) {
            ran.push(nowMs);
            return 0;
          },
        },
      ],
      clock,
      logger: silentLogger,
      metrics,
    });
    await clock.advance(3_600_000);
    expect(ran).toHaveLength(2);
    await retention.stop();
    await clock.advance(3_600_000);
    expect(ran).toHaveLength(2);
  });
});

/** A row of each table that retention is about, with its time column left to the test. */
const ROWS = {
  events: { event_type: 'fleet.pool.changed', entity_type: 'pool', entity_id: 'p', payload: '{}' },
  tasks: {
    task_id: 'id',
    task_type: 't',
    phase_id: 'P',
    priority: 0,
    queue_order: 1,
    payload: '{}',
    state: 'completed',
    max_attempts: 1,
    attempt: 1,
    failures: 0,
    leases_lost: 0,
    counted_losses: 0,
    lost_by: null,
    handoffs: 0,
    time_limit_ms: null,
    parked_at_ms: null,
    last_output: null,
    available_at_ms: 0,
    enqueued_at_ms: 0,
  },
  alerts: {
    id: 'id',
    rule_id: 'g/a',
    rule_key: 'g/a',
    fingerprint: 'f',
    labels: '{}',
    annotations: '{}',
    source_labels: '{}',
    severity: 'warning',
    state: 'resolved',
    value: '1',
    active_at_ms: 0,
    fired_at_ms: 0,
    remediation_acted: 0,
    updated_at_ms: 0,
  },
  alert_rules: {
    rule_key: 'id',
    rule_id: 'g/a',
    kind: 'alerting',
    file: 'f',
    group_name: 'g',
    name: 'a',
    expr: '1',
    hash: 'h',
    loaded_at_ms: 0,
  },
  event_cursors: { consumer: 'id', last_event_id: 1 },
  monitor_anomalies: {
    id: 'id',
    metric_name: 'm',
    labels: '{}',
    series_key: 's',
    kind: 'spike',
    detector: 'd',
    state: 'closed',
    value: 1,
    score: 1,
    peak_score: 1,
    detected_at_ms: 0,
  },
  remediations: {
    id: 'id',
    policy: 'p',
    alert_id: 'id',
    rule_id: 'g/a',
    target_kind: 'agent',
    target_id: 'a',
    state: 'completed',
    plan: '{}',
    step: 0,
    planned_at_ms: 0,
    updated_at_ms: 0,
  },
  maintenance_windows: {
    id: 'id',
    target_kind: 'agent',
    target_id: 'a',
    reason: 'r',
    started_by: 'a',
    started_at_ms: 0,
    boot_ms: 0,
    boot_id: 'b',
    length_ms: 1,
  },
  notifications: {
    id: 'id',
    group_id: 'g',
    group_key: '{}:{}',
    receiver: 'r',
    integration: 'r/webhook/0',
    reason: 'first_notification',
    state: 'delivered',
    alerts: '[]',
    truncated: 0,
    group_labels: '{}',
    route_labels: '{}',
    firing: '',
    resolved: '',
    attempts: 1,
    created_at_ms: 0,
    next_attempt_at_ms: 0,
  },
  notification_decisions: { alert_id: 'a', stage: 'routing', decision: 'routed', reason: 'r' },
  silences: {
    id: 'id',
    matcher_sets: '[]',
    starts_at_ms: 0,
    ends_at_ms: 0,
    created_by: 'a',
    set_by: 'a',
    comment: 'c',
    annotations: '{}',
    created_at_ms: 0,
    updated_at_ms: 0,
    until_resolved: 0,
  },
  audit_log: {
    actor_kind: 'system',
    actor_id: 'a',
    actor_name: 'a',
    action: 'a',
    entity: 'e',
    request_id: 'r',
    outcome: 'succeeded',
    details: '{}',
  },
  access_sessions: { secret_hash: 'id', token_id: 'owner', created_at_ms: 0 },
  login_links: { code_hash: 'id', token_id: 'owner', created_at_ms: 0, created_by: 'a' },
  access_tokens: {
    id: 'id',
    name: 'n',
    role: 'viewer',
    secret_hash: 'id',
    prefix: 'p',
    created_at_ms: 0,
    created_by: 'a',
  },
  trace_spans: {
    trace_id: 't',
    span_id: 'id',
    name: 'n',
    kind: 'internal',
    service_name: 's',
    end_us: 0,
    status: 'unset',
    attributes: '{}',
    links: '[]',
    events: '[]',
  },
} as const;

/** Columns that no two rows may share. */
const UNIQUE = [
  'id',
  'task_id',
  'consumer',
  'rule_key',
  'alert_id',
  'secret_hash',
  'code_hash',
  'span_id',
  'name',
  'fingerprint',
  'series_key',
];

/** What a row has that has not ended. */
const OPEN: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  tasks: { state: 'claimed' },
  alerts: { state: 'firing' },
  alert_rules: {},
  monitor_anomalies: { state: 'open' },
  remediations: { state: 'verifying' },
  maintenance_windows: {},
  notifications: { state: 'pending' },
  silences: {},
};

describe('each rule', () => {
  const rules = [...stateRetention(keep), ...telemetryRetention({ spansMs })];
  const databaseOf = (table: string) => (table === 'trace_spans' ? telemetry : state);

  async function add(table: string, name: string, values: Readonly<Record<string, unknown>>): Promise<void> {
    const base: Readonly<Record<string, unknown>> = ROWS[table as keyof typeof ROWS];
    const own = UNIQUE.filter((column) => column in base).map((column) => [column, name] as const);
    const row = { ...base, ...Object.fromEntries(own), ...values };
    await databaseOf(table).transaction((tx) =>
      sql`insert into ${sql.table(table)} (${sql.join(Object.keys(row).map((column) => sql.ref(column)))})
        values (${sql.join(Object.values(row))})`.execute(tx.db),
    );
  }
  const count = async (table: string): Promise<unknown> =>
    (
      await sql<{ n: number }>`select count(*) as n from ${sql.table(table)} where ${
        table === 'access_tokens' ? sql`id <> 'owner'` : sql`true`
      }`.execute(databaseOf(table).reader)
    ).rows[0]?.n;

  beforeEach(async () => {
    await state.transaction((tx) =>
      sql`insert into access_tokens (id, name, role, secret_hash, prefix, created_at_ms, created_by)
        values ('owner', 'owner', 'admin', 'owner', 'p', 0, 'a')`.execute(tx.db),
    );
  });

  it.each(rules)(
    'takes from $table what ended too long ago, and keeps what is young or goes on',
    async (rule) => {
      const { table, timeColumn, keepMs } = rule;
      const unit = rule.unit === 'us' ? 1000 : 1;
      const limit = (clock.wallMs() - keepMs) * unit;
      await add(table, 'old', { [timeColumn]: limit - 1 });
      await add(table, 'young', { [timeColumn]: limit });
      const open = OPEN[table];
      if (open) await add(table, 'open', { ...open, [timeColumn]: null });
      const retention = retentionOf();
      await retention.run();
      expect(await count(table)).toBe(open ? 2 : 1);
      await retention.stop();
    },
  );

  it('keeps a removed rule as long as an alert of it fires, or something of it is remembered', async () => {
    const removed = { removed_at_ms: clock.wallMs() - 100 * DAY_MS };
    for (const key of ['fires', 'resolved', 'remembered', 'gone']) await add('alert_rules', key, removed);
    await add('alerts', 'fires', { state: 'firing', resolved_at_ms: null });
    await add('alerts', 'resolved', { resolved_at_ms: clock.wallMs() });
    await state.transaction((tx) =>
      sql`insert into alert_rule_state
        (rule_key, fingerprint, state, labels, source_labels, value, active_at_ms, evaluated_at_ms)
        values ('remembered', 'f', 'pending', '{}', '{}', '1', 0, 0)`.execute(tx.db),
    );
    const retention = retentionOf();
    await retention.run();
    const left = await state.reader.selectFrom('alert_rules').select('rule_key').execute();
    expect(left.map(({ rule_key: key }) => key).toSorted()).toEqual(['fires', 'remembered']);
    await retention.stop();
  });

  it('takes what belongs to a task or a remediation with it, and leaves that of others', async () => {
    const longAgo = clock.wallMs() - 366 * DAY_MS;
    await add('tasks', 'old', { finished_at_ms: longAgo });
    await add('tasks', 'open', { finished_at_ms: null, state: 'queued' });
    await add('remediations', 'old', { ended_at_ms: longAgo });
    await add('remediations', 'open', { ended_at_ms: null, state: 'executing' });
    await state.transaction(async (tx) => {
      for (const id of ['old', 'open']) {
        await sql`insert into task_handoffs (handoff_id, task_id, from_agent_id, from_generation, to_agent_id, at_ms)
          values (${id}, ${id}, 'a', 1, 'b', ${longAgo})`.execute(tx.db);
        await sql`insert into watchdog_actions (id, remediation_id, step, action, params, intended_at_ms, attempts)
          values (${id}, ${id}, 0, 'agent.restart', '{}', ${longAgo}, 1)`.execute(tx.db);
        await sql`insert into watchdog_suppressions (remediation_id, guard, reason, first_at_ms, last_at_ms, count)
          values (${id}, 'cooldown', 'r', ${longAgo}, ${longAgo}, 1)`.execute(tx.db);
      }
    });
    const retention = retentionOf();
    await retention.run();
    const left = await Promise.all(
      ['task_handoffs', 'watchdog_actions', 'watchdog_suppressions'].map((table) => count(table)),
    );
    expect(left).toEqual([1, 1, 1]);
    await retention.stop();
  });

  it.each(rules)('finds the old rows of $table by an index', async (rule) => {
    const { reader } = databaseOf(rule.table);
    const query = retentionQuery(rule, { nowMs: clock.wallMs(), limit: 250, dialect: 'sqlite' }).compile(
      reader,
    );
    const plan = await reader.executeQuery<{ detail: string }>(
      CompiledQuery.raw(`explain query plan ${query.sql}`, [...query.parameters]),
    );
    const steps = plan.rows.map(({ detail }) => detail);
    expect(steps.join('\n')).toMatch(new RegExp(`SEARCH ${rule.table} USING (COVERING )?INDEX`));
    // The rows of the batch, and one row for each consumer.
    expect(steps.filter((step) => /^SCAN (?!oldest|event_cursors)/.test(step))).toEqual([]);
  });

  it('has jobs take turns until none has used its own up', async () => {
    const order: string[] = [];
    const job = (name: string, ...turns: number[]): RetentionJob => ({
      name,
      async run() {
        order.push(name);
        return turns.shift() ?? 0;
      },
    });
    const retention = new Retention({
      jobs: [job('many', 100_000, 100_000, 3), job('few', 20)],
      clock,
      logger: silentLogger,
      metrics,
    });
    await retention.run();
    await retention.stop();
    expect(order).toEqual(['many', 'few', 'many', 'many']);
  });

  it('stops after the batch it is at when the server stops', async () => {
    await addEvents(600, 100 * DAY_MS);
    const [job] = retentionJobs(
      state,
      stateRetention(keep).filter(({ table }) => table === 'events'),
      { clock },
    );
    const stopping = new AbortController();
    const running = job?.run(clock.wallMs(), stopping.signal);
    stopping.abort();
    expect(await running).toBe(250);
  });
});
