import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openTestTelemetryDatabase, type TelemetryDatabase } from '#storage';
import { createSpanStore, createLogStore, createTracing, type StoredTracing } from '#observability';
import { createSeededRandom, SelfMetrics, silentLogger, traceIdOf, VirtualClock } from '#telemetry';
import { startTestApi, type TestApi } from '../api.test-support.ts';
import { registerEventRoutes } from '../events/event-routes.ts';
import { registerObservabilityRoutes } from './observability-routes.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
/** Names that others chose are only names. */
const fieldsOfLine = JSON.parse('{"rule_id":"queue/deep","__proto__":"kept"}') as Record<string, unknown>;
const startMs = Date.UTC(2026, 10, 22, 12);
let api: TestApi;
let telemetry: TelemetryDatabase;
let tracing: StoredTracing;

beforeEach(async () => {
  const clock = new VirtualClock(startMs);
  telemetry = await openTestTelemetryDatabase(clock);
  const spans = createSpanStore(telemetry, clock);
  const logs = createLogStore(telemetry, clock);
  tracing = createTracing({
    store: spans,
    clock,
    random: createSeededRandom(1),
    logger: silentLogger,
    metrics: new SelfMetrics(),
    serviceName: 'omoi',
  });
  await logs.append([
    {
      atMs: startMs,
      level: 'warn',
      component: 'alerting',
      serviceName: 'omoi',
      message: 'a rule took long',
      traceId: TRACE,
      spanId: null,
      fields: fieldsOfLine,
    },
  ]);
  let registered: Pick<TestApi, 'eventBus'> | null = null;
  api = await startTestApi({
    register(app) {
      registerObservabilityRoutes(app, { spans, logs });
      registerEventRoutes(app, {
        events: { list: (query) => registered?.eventBus.list(query) ?? Promise.resolve([]) },
      });
    },
  });
  registered = api;
});
afterEach(async () => {
  await api.close();
  await tracing.stop();
  await telemetry.close();
});

const get = (url: string) => api.app.inject({ url, headers: api.as('viewer') });

describe('the routes of observability', () => {
  it('send long names in pieces', async () => {
    const names = Array.from({ length: 10 }, (_, at) => `${at}`.repeat(20_000));
    for (const name of names) tracing.startSpan(name, { parent: null }).end(startMs + 1);
    await tracing.flush();
    const found = await get('/api/v1/observability/traces');
    // What is sent whole has a length.
    expect(found.headers['content-length']).toBeUndefined();
    const { traces } = found.json<{ traces: { name: string }[] }>();
    expect(traces.map(({ name }) => name).sort()).toEqual(names);
  });

  it('show a trace with its links and events, and find it by what its spans say', async () => {
    const other = tracing.startSpan('elsewhere', { parent: null });
    const span = tracing.startSpan('alerting.alert', {
      parent: null,
      links: [other.traceparent],
      attributes: { rule_id: 'queue/deep' },
    });
    span.addEvent('fired');
    span.end(startMs + 1.5);
    await tracing.flush();
    const traceId = traceIdOf(span.traceparent);
    const found = await get('/api/v1/observability/traces?attribute=rule_id%3Dqueue%2Fdeep');
    expect(found.json()).toEqual({
      traces: [
        {
          trace_id: traceId,
          name: 'alerting.alert',
          service_name: 'omoi',
          started_at: '2026-11-22T12:00:00.000Z',
          duration_us: 1500,
          span_count: 1,
          error_count: 0,
          about: expect.objectContaining({ rule_id: null, agent_id: null }) as unknown,
        },
      ],
      next_cursor: null,
    });
    const trace = await get(`/api/v1/observability/traces/${traceId}`);
    expect(trace.json()).toMatchObject({
      trace_id: traceId,
      spans: [
        {
          name: 'alerting.alert',
          parent_span_id: null,
          started_at: '2026-11-22T12:00:00.000Z',
          duration_us: 1500,
          attributes: { rule_id: 'queue/deep' },
          links: [{ trace_id: traceIdOf(other.traceparent) }],
          events: [{ name: 'fired', at: '2026-11-22T12:00:00.000Z' }],
        },
      ],
    });
  });

  it('find log lines', async () => {
    const answer = await get(`/api/v1/observability/logs?level=warn&trace_id=${TRACE}&text=QUEUE`);
    expect(answer.json()).toEqual({
      lines: [
        {
          at: '2026-11-22T12:00:00.000Z',
          level: 'warn',
          component: 'alerting',
          service_name: 'omoi',
          message: 'a rule took long',
          trace_id: TRACE,
          span_id: null,
          fields: fieldsOfLine,
        },
      ],
      next_cursor: null,
    });
    expect(answer.body).toContain('"__proto__":"kept"');
    const later = await get('/api/v1/observability/logs?from=2026-11-22T13:00:00%2B01:00&level=error');
    expect(later.json()).toEqual({ lines: [], next_cursor: null });
  });

  it('list events by the beginnings of their types', async () => {
    for (const poolId of ['coders', 'testers']) {
      await api.appendEvent({
        event_type: 'fleet.pool.changed',
        entity_type: 'pool',
        entity_id: poolId,
        traceparent: null,
        payload: { pool_id: poolId, desired: 1, effective: 1, reason: 'test' },
      });
    }
    const answer = await get('/api/v1/events?types=fleet.pool,watchdog&limit=1');
    expect(answer.json()).toMatchObject({
      events: [{ event_type: 'fleet.pool.changed', entity_id: 'testers', payload: { desired: 1 } }],
    });
  });

  it.each([
    ['/api/v1/observability/traces/00000000000000000000000000000000', 404, 'unknown_trace'],
    ['/api/v1/observability/traces/nonsense', 400, 'invalid_request'],
    ['/api/v1/observability/traces?attribute=nonsense', 400, 'invalid_request'],
    ['/api/v1/observability/traces?limit=1001', 400, 'invalid_request'],
    ['/api/v1/observability/logs?from=yesterday', 400, 'invalid_request'],
    ['/api/v1/observability/logs?level=loud', 400, 'invalid_request'],
    ['/api/v1/observability/logs?cursor=yesterday', 400, 'invalid_cursor'],
    ['/api/v1/observability/traces?cursor=yesterday', 400, 'invalid_cursor'],
    ['/api/v1/events?types=fleet.nothing', 400, 'invalid_request'],
  ])('answer %s with %i %s', async (url, status, error) => {
    const answer = await get(url);
    expect(answer.statusCode).toBe(status);
    expect(answer.json()).toMatchObject({ error });
  });

  it('are for those who may read alone', async () => {
    for (const url of ['/api/v1/events', '/api/v1/observability/traces', '/api/v1/observability/logs']) {
      expect((await api.app.inject({ url, headers: api.as('ingest') })).statusCode).toBe(403);
      expect((await api.app.inject({ url })).statusCode).toBe(401);
    }
  });
});
