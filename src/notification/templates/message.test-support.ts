import { unpaced, type Labels } from '#telemetry';
import type { Message, MessageAlert } from '../message.ts';
import { createMessageTemplates } from './create-message-templates.ts';
import type { ConfiguredTemplates } from './message-templates.ts';

/** 30 November 2026, 10:00:00.25 UTC. */
export const STARTS_AT_MS = Date.UTC(2026, 10, 30, 10, 0, 0, 250);

/** A firing alert; one that has ended is resolved. */
export function alertWith(changes: Partial<MessageAlert> = {}): MessageAlert {
  const { alertId = 'alrt_1', endsAtMs = null } = changes;
  const page = `https://omoi.example/alerts/${alertId}`;
  return {
    alertId,
    fingerprint: '00c0ffee00c0ffee',
    labels: { alertname: 'ApiErrors', severity: 'critical', job: 'api', instance: 'db1:9090' },
    annotations: { summary: 'More than 5 % fail', runbook_url: 'https://example.com/run?a=1&b=2' },
    startsAtMs: STARTS_AT_MS,
    generatorUrl: 'https://omoi.example/graph?g0.expr=up',
    acknowledgedBy: null,
    traceparent: null,
    links: { alert: page, acknowledge: `${page}/ack?t=x`, silence: `${page}/silence`, trace: null },
    remediation: null,
    ...changes,
    endsAtMs,
    status: endsAtMs === null ? 'firing' : 'resolved',
  };
}

export function messageWith(changes: Partial<Message> = {}): Message {
  return {
    notificationId: 'ntf_1',
    groupKey: '{}:{job="api"}',
    receiver: 'team-web',
    reason: 'first_notification',
    groupLabels: { job: 'api' },
    routeLabels: {},
    receiverLabels: {},
    alerts: [alertWith()],
    truncatedAlerts: 0,
    acknowledgeAll: null,
    externalUrl: 'https://omoi.example',
    atMs: STARTS_AT_MS + 723_000,
    traceparent: null,
    note: null,
    ...changes,
  };
}

/** A message of so many alerts, each fifth of them resolved. */
export function messageOf(count: number): Message {
  const alerts = Array.from({ length: count }, (_, place) =>
    alertWith({
      alertId: `alrt_${place}`,
      labels: {
        alertname: 'ApiErrors',
        severity: 'critical',
        job: 'api',
        instance: `db${place}:9090`,
        zone: 'b',
      },
      endsAtMs: place % 5 === 4 ? STARTS_AT_MS + 300_000 : null,
      remediation: 'restarted worker-3, verifying',
    }),
  );
  return messageWith({ alerts });
}

/** Templates that take no pause. */
interface TemplatesInOneGo extends Pick<ConfiguredTemplates, 'problemOf'> {
  text(template: string, message: Message): string;
  html(template: string, message: Message): string;
  routeLabels(message: Message): Labels;
}

/** The templates of a configuration that names these files. */
export function templatesOf(files: Readonly<Record<string, string>> = {}): TemplatesInOneGo {
  const configured = createMessageTemplates({
    files: Object.entries(files).map(([name, text]) => ({ name, text })),
  });
  return {
    text: (template, message) => unpaced(configured.expand(template, message, 'text')),
    html: (template, message) => unpaced(configured.expand(template, message, 'html')),
    routeLabels: (message) => unpaced(configured.routeLabels(message)),
    problemOf: (template, form) => configured.problemOf(template, form),
  };
}

/** A message of so many alerts, each with twenty labels of 100 bytes and an annotation of 4 KB. */
export function largeMessageOf(count: number): Message {
  const text = 'Disk usage of <node> is above 90 % & rising; see "runbook". '.repeat(70).slice(0, 4_096);
  const alerts = Array.from({ length: count }, (_, place) => {
    const names = Array.from({ length: 18 }, (_, index) => `label_${index}`);
    const value = `${place}-`.padEnd(100, 'v');
    return alertWith({
      alertId: `alrt_${place}`,
      labels: {
        alertname: 'ApiErrors',
        instance: value,
        ...Object.fromEntries(names.map((name) => [name, value])),
      },
      annotations: { summary: 'More than 5 % fail', description: text },
    });
  });
  return messageWith({ alerts });
}
