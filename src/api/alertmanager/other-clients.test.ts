import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type AlertmanagerApi, openAlertmanagerApi, STARTED_AT_MS } from './alertmanager-api.test-support.ts';

/* What programs that cannot run here call, as their sources of August 2026 have it, and what they read of the answers. */

let opened: AlertmanagerApi;
const iso = (ms: number): string => new Date(ms).toISOString();
const HOUR_MS = 3_600_000;

beforeAll(async () => {
  opened = await openAlertmanagerApi();
  await opened.call('POST alerts', {
    payload: [
      {
        labels: { alertname: 'Down', host: 'a', severity: 'critical' },
        annotations: { summary: 'gone' },
        generatorURL: 'http://prometheus/graph',
      },
      { labels: { alertname: 'Slow', host: 'a', severity: 'warning' } },
    ],
  });
});
afterAll(() => opened.close());

const label = z.record(z.string(), z.string());

describe('karma', () => {
  /** It decodes times by RFC 3339 and matchers whose `isEqual` may be missing. */
  const karmaSilence = z.object({
    id: z.string(),
    startsAt: z.iso.datetime(),
    endsAt: z.iso.datetime(),
    comment: z.string(),
    createdBy: z.string(),
    matchers: z.array(
      z.object({
        name: z.string(),
        value: z.string(),
        isRegex: z.boolean(),
        isEqual: z.boolean().optional(),
      }),
    ),
  });
  const karmaGroup = z.object({
    labels: label,
    receiver: z.object({ name: z.string() }),
    alerts: z.array(
      z.object({
        startsAt: z.iso.datetime(),
        annotations: label,
        labels: label,
        fingerprint: z.string().regex(/^[0-9a-f]{16}$/),
        generatorURL: z.string().optional(),
        status: z.object({
          state: z.enum(['unprocessed', 'active', 'suppressed']),
          inhibitedBy: z.array(z.string()),
          silencedBy: z.array(z.string()),
        }),
      }),
    ),
  });

  it('finds a version that it supports where it looks for one', async () => {
    const { status, text } = await opened.call('GET /alertmanager/metrics', { role: 'viewer' });
    expect(status).toBe(200);
    const [, version = ''] = /^alertmanager_build_info\{[^}]*version="([^"]+)"/m.exec(text) ?? [];
    const [major = 0, minor = 0] = version.split('.').map(Number);
    expect(major > 0 || minor >= 22).toBe(true);
  });

  it('reads silences and groups, and sets a silence', async () => {
    const set = await opened.call('POST silences', {
      role: 'operator',
      payload: {
        matchers: [{ isEqual: true, name: 'alertname', value: '(Down|Slow)', isRegex: true }],
        startsAt: iso(STARTED_AT_MS - 1000),
        endsAt: iso(STARTED_AT_MS + HOUR_MS),
        createdBy: 'me@example.com',
        comment: 'ACK! somebody looks at it',
      },
    });
    expect(set.body).toEqual({ silenceID: expect.any(String) as string });
    const silences = z
      .array(karmaSilence)
      .parse((await opened.call('GET silences', { role: 'viewer' })).body);
    expect(silences).toHaveLength(1);
    const groups = z
      .array(karmaGroup)
      .parse((await opened.call('GET alerts/groups', { role: 'viewer' })).body);
    expect(
      groups.flatMap(({ alerts }) => alerts.map(({ status }) => [status.state, status.silencedBy])),
    ).toEqual([
      ['suppressed', [silences[0]?.id]],
      ['suppressed', [silences[0]?.id]],
    ]);
    const slow = groups.flatMap(({ alerts }) => alerts).find(({ labels }) => labels['alertname'] === 'Slow');
    expect(slow?.status.inhibitedBy).toHaveLength(1);
    const deleted = await opened.call(`DELETE silence/${silences[0]?.id}`, { role: 'operator' });
    expect(deleted.status).toBe(200);
  });
});

describe('Grafana', () => {
  it('takes the data source for a Prometheus Alertmanager and no Mimir', async () => {
    const get = async (path: string): Promise<number> =>
      (await opened.call(`GET /alertmanager${path}`, { role: 'viewer' })).status;
    expect(await get('/alertmanager/api/v2/status')).toBe(404);
    expect(await get('/api/v1/status/buildinfo')).toBe(410);
    expect(await get('/api/v2/status')).toBe(200);
  });

  it('reads status, groups, alerts by matchers, and silences', async () => {
    const read = async (path: string): Promise<unknown> =>
      (await opened.call(`GET ${path}`, { role: 'viewer' })).body;
    const status = z.object({
      cluster: z.object({ peers: z.unknown(), status: z.string() }),
      config: z.object({ original: z.string() }),
      uptime: z.string(),
      versionInfo: z.object({
        branch: z.string(),
        buildDate: z.string(),
        buildUser: z.string(),
        goVersion: z.string(),
        revision: z.string(),
        version: z.string(),
      }),
    });
    status.parse(await read('status'));
    const alert = z.object({
      startsAt: z.string(),
      updatedAt: z.string(),
      endsAt: z.string(),
      generatorURL: z.string().optional(),
      labels: label,
      annotations: label,
      receivers: z.array(z.object({ name: z.string() })),
      fingerprint: z.string(),
      status: z.object({
        state: z.enum(['unprocessed', 'active', 'suppressed']),
        silencedBy: z.array(z.string()),
        inhibitedBy: z.array(z.string()),
      }),
    });
    const group = z.object({
      labels: label,
      receiver: z.object({ name: z.string() }),
      alerts: z.array(alert),
    });
    expect(z.array(group).parse(await read('alerts/groups'))).toHaveLength(2);
    const query = `?filter=${encodeURIComponent('alertname="Down"')}&silenced=true&active=true&inhibited=true`;
    expect(z.array(alert).parse(await read(`alerts${query}`))).toHaveLength(1);
  });

  it('sets a silence from its form, edits it and ends it', async () => {
    const payload = {
      startsAt: '2026-11-30T11:59:00.000Z',
      endsAt: '2026-11-30T14:00:00.000Z',
      comment: 'created 2026-11-30 12:00',
      createdBy: 'admin',
      matchers: [
        { name: 'alertname', value: 'Down', isEqual: true, isRegex: false },
        { name: 'host', value: '', isEqual: false, isRegex: false },
      ],
    };
    const set = await opened.call('POST silences', { role: 'operator', payload });
    const { silenceID: id } = z.object({ silenceID: z.string() }).parse(set.body);
    const edited = { ...payload, id, startsAt: iso(STARTED_AT_MS), endsAt: '2026-11-30T15:00:00.000Z' };
    const again = await opened.call('POST silences', { role: 'operator', payload: edited });
    expect(again.body).toEqual({ silenceID: id });
    const silence = z.object({
      id: z.string(),
      matchers: z.array(
        z.object({ name: z.string(), value: z.string(), isRegex: z.boolean(), isEqual: z.boolean() }),
      ),
      startsAt: z.string(),
      endsAt: z.string(),
      updatedAt: z.string(),
      createdBy: z.string(),
      comment: z.string(),
      status: z.object({ state: z.enum(['active', 'expired', 'pending']) }),
    });
    const read = silence.parse((await opened.call(`GET silence/${id}`, { role: 'viewer' })).body);
    expect([read.endsAt, read.matchers]).toEqual(['2026-11-30T15:00:00.000Z', payload.matchers]);
    expect((await opened.call(`DELETE silence/${id}`, { role: 'operator' })).status).toBe(200);
  });
});
