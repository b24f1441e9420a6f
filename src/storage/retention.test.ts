import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SelfMetrics, silentLogger, VirtualClock } from '#telemetry';
import type { StateDatabase, TelemetryDatabase } from './database.ts';
import { deadCursorMs, stateRetention, telemetryRetention } from './retention-rules.ts';
import { Retention, retentionJobs, type RetentionJob } from './retention.ts';
import { openTestStateDatabase, openTestTelemetryDatabase } from './test-databases.ts';

const DAY_MS = 86_400_000;
const keep = {
  eventsMs: 30 * DAY_MS,
  alertsMs: 90 * DAY_MS,
  anomaliesMs: 30 * DAY_MS,
  remediationsMs: 90 * DAY_MS,
  tasksMs: 30 * DAY_MS,
};
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
    ...retentionJobs(state, stateRetention(keep)),
    ...retentionJobs(telemetry, telemetryRetention({ spansMs: 7 * DAY_MS })),
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

  it('counts the time of spans in microseconds', async () => {
    const endUs = (clock.wallMs() - 7 * DAY_MS) * 1000;
    const span = (spanId: string, end: number) => ({
      trace_id: 't',
      span_id: spanId,
      parent_span_id: null,
      name: 'n',
      kind: 'internal',
      service_name: 'omoi',
      start_us: 0,
      end_us: end,
      status: 'unset',
      status_message: null,
      attributes: '{}',
      links: '[]',
      events: '[]',
    });
    await telemetry.transaction((tx) =>
      tx.db
        .insertInto('trace_spans')
        .values([span('old', endUs - 1), span('young', endUs)])
        .execute(),
    );
    const retention = retentionOf();
    await retention.run();
    expect(await telemetry.reader.selectFrom('trace_spans').select('span_id').execute()).toEqual([
      { span_id: 'young' },
    ]);
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
