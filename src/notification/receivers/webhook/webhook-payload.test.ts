import { createSystemClock, SharedStretch } from '#telemetry';
import { describe, expect, it } from 'vitest';

import type { Message } from '../../message.ts';
import { EXAMPLE_START_MS, exampleAlert, exampleMessage } from '../message.test-support.ts';
import { type PayloadForm, webhookPayload } from './webhook-payload.ts';

const clock = createSystemClock();

async function payloadOf(message: Message, form?: PayloadForm): Promise<string> {
  return Buffer.concat(await webhookPayload(message, new SharedStretch(clock), form)).toString();
}

const LABELS = {
  severity: 'critical',
  alertname: 'AgentUnresponsive',
  agent_id: 'w-1',
  team: '<Ärger> & "Söhne"',
  a_z: '\u{10000}x\ue000',
  ctl: '\n\r\t\u0001\u007f\u2028\u2029',
};
const ANNOTATIONS = { summary: 'w-1 is silent\nsince 10 s \u2028 😀 \u0000x', b: "it's" };

const LABELS_TEXT = String.raw`{"a_z":"${'\u{10000}x\ue000'}","agent_id":"w-1","alertname":"AgentUnresponsive","ctl":"\n\r\t\u0001${'\u007f'}\u2028\u2029","severity":"critical","team":"\u003cÄrger\u003e \u0026 \"Söhne\""}`;
const ANNOTATIONS_TEXT = String.raw`{"b":"it's","summary":"w-1 is silent\nsince 10 s \u2028 😀 \u0000x"}`;

/**
 * What Alertmanager sent for the same alert: recorded from 0.25, with the fields that 0.34 has more (`notification_reason`,
 * `routeLabels`) where its source has them.
 */
function recorded(status: string, endsAt: string, reason: string): string {
  return [
    String.raw`{"receiver":"team\\.web\\+\\(x\\)","status":"${status}","alerts":[{"status":"${status}","labels":${LABELS_TEXT},`,
    `"annotations":${ANNOTATIONS_TEXT},"startsAt":"2026-11-30T10:00:00.25Z","endsAt":"${endsAt}",`,
    String.raw`"generatorURL":"https://omoi.example/graph?g0.expr=up\u0026x=1","fingerprint":"f001d82bf8144c7b"}],`,
    `"notification_reason":"${reason}","groupLabels":{"alertname":"AgentUnresponsive"},`,
    `"commonLabels":${LABELS_TEXT},"commonAnnotations":${ANNOTATIONS_TEXT},"routeLabels":{},`,
    String.raw`"externalURL":"https://omoi.example","version":"4","groupKey":"{}:{alertname=\"AgentUnresponsive\"}","truncatedAlerts":0}`,
    '\n',
  ].join('');
}

interface Payload {
  readonly omoi: unknown;
  readonly alerts: readonly { readonly omoi: unknown }[];
}

describe('the payload', () => {
  const alert = exampleAlert({
    labels: LABELS,
    annotations: ANNOTATIONS,
    fingerprint: 'f001d82bf8144c7b',
    generatorUrl: 'https://omoi.example/graph?g0.expr=up&x=1',
  });
  const message = exampleMessage({
    receiver: 'team.web+(x)',
    groupKey: '{}:{alertname="AgentUnresponsive"}',
    alerts: [alert],
  });

  it('has links where they are asked for, and is the same otherwise', async () => {
    const trace = 'https://omoi.example/traces/1';
    const traced = exampleAlert({ alertId: 'alrt_02', links: { ...alert.links, trace } });
    const both = { ...message, alerts: [alert, traced], acknowledgeAll: 'https://omoi.example/all' };
    const links = {
      alert: 'https://omoi.example/alerts/alrt_01',
      acknowledge: 'https://omoi.example/alerts/alrt_01/ack',
      silence: 'https://omoi.example/alerts/alrt_01/silence',
    };
    const payload = JSON.parse(await payloadOf(both, '4 with links')) as Payload;
    expect(payload.omoi).toEqual({
      notification_id: 'ntf_01',
      links: { acknowledge_all: 'https://omoi.example/all' },
    });
    expect(payload.alerts.map(({ omoi }) => omoi)).toEqual([
      { alert_id: 'alrt_01', links },
      { alert_id: 'alrt_02', links: { ...links, trace } },
    ]);
    const { omoi: _, ...rest } = payload;
    const bare = { ...rest, alerts: payload.alerts.map(({ omoi: _own, ...one }) => one) };
    expect(JSON.stringify(bare)).toBe(JSON.stringify(JSON.parse(await payloadOf(both))));
    const single = JSON.parse(await payloadOf(message, '4 with links')) as Payload;
    expect(single.omoi).toEqual({ notification_id: 'ntf_01', links: {} });
  });

  it('of a firing alert is what Alertmanager sends, byte by byte', async () => {
    const expected = recorded('firing', '0001-01-01T00:00:00Z', 'first notification');
    expect(await payloadOf(message)).toBe(expected);
  });

  it('of a resolved alert, too', async () => {
    const endsAtMs = EXAMPLE_START_MS + 60_750;
    const resolved = { ...alert, endsAtMs, status: 'resolved' as const };
    const expected = recorded('resolved', '2026-11-30T10:01:01Z', 'all alerts resolved');
    expect(await payloadOf({ ...message, reason: 'all_resolved', alerts: [resolved] })).toBe(expected);
  });

  it('has in common what all alerts have, and tells how many are left out', async () => {
    const alerts = ['w-1', 'w-2'].map((agent_id) =>
      exampleAlert({ labels: { alertname: 'A', agent_id, pool: 'web' }, annotations: { a: '1' } }),
    );
    const payload = await payloadOf(
      exampleMessage({ alerts, truncatedAlerts: 3, routeLabels: { tier: '1' } }),
    );
    expect(JSON.parse(payload)).toMatchObject({
      commonLabels: { alertname: 'A', pool: 'web' },
      commonAnnotations: { a: '1' },
      routeLabels: { tier: '1' },
      truncatedAlerts: 3,
    });
  });

  it('of labels that are called like members of objects keeps them', async () => {
    const labels = JSON.parse('{"__proto__":"a","constructor":"b","alertname":"A"}') as Record<
      string,
      string
    >;
    const payload = await payloadOf(exampleMessage({ alerts: [exampleAlert({ labels })] }));
    expect(payload).toContain('"labels":{"__proto__":"a","alertname":"A","constructor":"b"}');
    expect(payload).toContain('"commonLabels":{"__proto__":"a","alertname":"A","constructor":"b"}');
  });

  it('of 10,000 alerts comes in pieces, and gives others turns meanwhile', async () => {
    const alerts = Array.from({ length: 10_000 }, (_, index) =>
      exampleAlert({ labels: { ...LABELS, agent_id: `w-${index}` }, alertId: `alrt_${index}` }),
    );
    let turns = 0;
    let isDone = false;
    const count = (): void => {
      turns++;
      if (!isDone) setImmediate(count);
    };
    setImmediate(count);
    const pieces = await webhookPayload(exampleMessage({ alerts }), new SharedStretch(clock));
    isDone = true;
    expect(pieces.length).toBeGreaterThan(50);
    expect(Math.max(...pieces.map((piece) => piece.byteLength))).toBeLessThan(200_000);
    expect(turns).toBeGreaterThan(5);
    const parsed = JSON.parse(Buffer.concat(pieces).toString()) as { readonly alerts: readonly unknown[] };
    expect(parsed.alerts.length).toBe(10_000);
  });
});
