import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isLong } from '../long-tests.ts';
import { Client } from './support/client.ts';
import { startGameday, type TracedGameday } from './support/gameday-process.ts';
import { dataDirectory, OmoiServer } from './support/omoi-process.ts';
import { workersOf } from './support/workers.ts';

interface Span {
  readonly span_id: string;
  readonly parent_span_id: string | null;
  readonly name: string;
}

/** The span in which each step of a game day is seen, where a step has one. */
const SPANS: Readonly<Record<TracedGameday, Readonly<Record<string, string>>>> = {
  worker_hang: {
    'the alert fires': 'alerting.alert',
    'a remediation starts': 'watchdog.remediation',
    'the next generation starts at once': 'fleet.spawn',
    'the alert resolves': 'alerting.resolve',
    'the remediation is verified as healed': 'watchdog.verify',
  },
  high_queue_depth: {
    'tasks arrive faster than the pool can work': 'telemetry.append',
    'an anomaly is recorded': 'monitor.anomaly',
    'the alert fires': 'alerting.alert',
    'a remediation starts': 'watchdog.step.scale',
    'the first additional worker is spawned': 'fleet.spawn',
    'the alert resolves': 'alerting.resolve',
    'the remediation is verified as healed': 'watchdog.verify',
    'the additional workers have left': 'watchdog.release',
  },
};

const data = dataDirectory();
const nowhere = dataDirectory();
let server: OmoiServer;
let admin: Client;

beforeAll(async () => {
  server = await OmoiServer.start(data.path, { demo: true });
  admin = new Client(() => server.url, server.adminToken);
});

afterAll(async () => {
  await server.stop('SIGINT');
  expect(workersOf(server)).toEqual([]);
  data.remove();
  nowhere.remove();
});

/** Runs a game day on the test's server and reads its trace back. */
async function runAndReadTrace(name: TracedGameday): Promise<void> {
  const { report, status, timeline } = await startGameday(name, data.path).report();
  expect([status, report.ok], timeline).toEqual([0, true]);
  expect(report).toEqual({
    experiment: expect.any(String),
    steps: report.steps.map(({ name: step }) =>
      expect.objectContaining({ name: step, at_ms: expect.any(Number), ok: true }),
    ),
    trace_id: expect.stringMatching(/^[0-9a-f]{32}$/),
    ok: true,
  });
  const { spans } = await admin.read<{ spans: Span[] }>(`/api/v1/observability/traces/${report.trace_id}`);
  const steps = new Set(report.steps.map((step) => step.name));
  const names = new Set(spans.map((span) => span.name));
  for (const [step, span] of Object.entries(SPANS[name])) {
    expect(steps).toContain(step);
    expect(names).toContain(span);
  }
  // One tree: every span but the first has its parent in the trace.
  const ids = new Set(spans.map((span) => span.span_id));
  const roots = spans.filter((span) => !ids.has(span.parent_span_id ?? ''));
  expect(roots.map((span) => [span.name, span.parent_span_id])).toEqual([['telemetry.append', null]]);
}

describe('a game day, with all its steps in one trace', () => {
  it('a worker that hangs is replaced, and its late work is refused', () => runAndReadTrace('worker_hang'));

  it.runIf(isLong)('a flooded queue heals itself', () => runAndReadTrace('high_queue_depth'));
});

describe('a game day on a server of its own', () => {
  it('says step by step what happens', async () => {
    const { report, status, timeline } = await startGameday('worker_hang', nowhere.path).report();
    expect([status, report.ok], timeline).toEqual([0, true]);
    expect(report.steps.map((step) => step.name)).toContain('its late completion is refused');
    expect(report.steps.map((step) => step.name)).not.toContain('without the watchdog nothing repairs it');
  });

  it.runIf(isLong)('shows with the watchdog off that nothing repairs it', async () => {
    const { report, status, timeline } = await startGameday('worker_hang', nowhere.path, [
      '--control',
    ]).report();
    expect([status, report.ok], timeline).toEqual([0, true]);
    expect(report.steps.map((step) => step.name)).toContain('without the watchdog nothing repairs it');
    expect(report.steps.map((step) => step.name)).not.toContain('a remediation starts');
  });

  it('shows the messages that tell of an alert and of its end', async () => {
    const { report, status, timeline } = await startGameday('alert_reaches_people', data.path).report();
    expect([status, report.ok], timeline).toEqual([0, true]);
    const at = new Map(report.steps.map((step) => [step.name, step.at_ms]));
    const messages = report.messages ?? [];
    expect(messages.map(({ body }) => [body.notification_reason, body.alerts[0]?.status])).toEqual([
      ['first notification', 'firing'],
      ['all alerts resolved', 'resolved'],
    ]);
    expect(messages.map(({ at_ms }) => at_ms)).toEqual([
      at.get('a message says that it fires'),
      at.get('a message says that it is over'),
    ]);
    const [first] = messages;
    expect(first?.body.alerts[0]?.labels).toMatchObject({ alertname: 'AgentStalled', severity: 'error' });
    expect(first?.body.alerts[0]?.generatorURL).toMatch(/^http:\/\/127\.0\.0\.1:[1-9]\d+\/alerts\/alrt_/);
    // Whoever else has a server here is not told otherwise for that.
    expect(timeline).toContain('own server');
  });

  it.runIf(isLong)('shows with the watchdog off that nobody is told of an end', async () => {
    const { report, status, timeline } = await startGameday('alert_reaches_people', data.path, [
      '--control',
    ]).report();
    expect([status, report.ok], timeline).toEqual([0, true]);
    expect(report.messages?.map(({ body }) => body.status)).toEqual(['firing']);
  });
});
