import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Silences } from '#notification';
import type { Labels } from '#telemetry';
import type {
  AlertmanagerView,
  PostedAlert,
  PostedAlerts,
  Viewed,
  ViewedAlert,
} from './alertmanager-view.ts';

/** The configuration that a view of the suite shows. */
export const VIEWED_CONFIGURATION = `# Who is told.
global:
  smtp_smarthost: 127.0.0.1:25
  smtp_from: omoi@example.org
  smtp_auth_username: omoi
  smtp_auth_password: hush-hush
route:
  receiver: default
  group_by: [alertname]
  x-omoi: { hold_for_remediation: 60s, escalation: page }
  routes:
    - matchers: ['team="web"']
      receiver: web
      group_by: [alertname, host]
inhibit_rules:
  - source_matchers: ['severity="critical"']
    target_matchers: ['severity="warning"']
    equal: [host]
receivers:
  - name: default
    email_configs: [{ to: ops@example.org }]
  - name: web
    labels: {owner: web}
    webhook_configs:
      - url: http://127.0.0.1:9/hush
        x-omoi: { signing_secret: hush-hush-2 }
    x-omoi:
      rate_limit: { messages: 20, per: 10m }
x-omoi:
  escalation: { page: { steps: [{ after: 10m, receiver: web }] } }
`;

/** As the API shows it. */
export const SHOWN_CONFIGURATION = `# Who is told.
global:
  smtp_smarthost: 127.0.0.1:25
  smtp_from: omoi@example.org
  smtp_auth_username: omoi
  smtp_auth_password: <secret>
route:
  receiver: default
  group_by: [alertname]
  routes:
    - matchers: ['team="web"']
      receiver: web
      group_by: [alertname, host]
inhibit_rules:
  - source_matchers: ['severity="critical"']
    target_matchers: ['severity="warning"']
    equal: [host]
receivers:
  - name: default
    email_configs: [{ to: ops@example.org }]
  - name: web
    labels: {owner: web}
    webhook_configs:
      - url: http://<secret>
`;

/** A view with what it is a view of, under a clock that moves when it is told to. */
export interface ViewStage {
  readonly view: AlertmanagerView;
  readonly posted: PostedAlerts;
  readonly silences: Silences;
  wallMs(): number;
  advance(ms: number): Promise<void>;
  close(): Promise<void>;
}

const HOUR_MS = 3_600_000;
const ALL = (): boolean => true;
const FROM = { sender: 'token:prometheus', traceparent: null } as const;

/** What whoever implements the port holds to. @param open a view of `VIEWED_CONFIGURATION` over nothing yet */
export function describeAlertmanagerView(name: string, open: () => Promise<ViewStage>): void {
  describe(`${name} as a view of notification`, () => {
    let stage: ViewStage;
    beforeEach(async () => {
      stage = await open();
    });
    afterEach(() => stage.close());

    const alertOf = (labels: Labels, rest: Partial<PostedAlert> = {}): PostedAlert => ({
      labels,
      annotations: {},
      startsAtMs: stage.wallMs(),
      endsAtMs: stage.wallMs() + HOUR_MS,
      timesOut: false,
      generatorUrl: '',
      ...rest,
    });
    const post = (...alerts: readonly PostedAlert[]): Promise<readonly string[]> =>
      stage.posted.take(alerts, FROM);
    const named = (alerts: Iterable<ViewedAlert>): Readonly<Record<string, ViewedAlert>> =>
      Object.fromEntries([...alerts].map((viewed) => [viewed.alert.labels['alertname'], viewed]));
    const silence = (name: string) =>
      stage.silences.set({
        id: null,
        matcherSets: [[{ name: 'alertname', operator: '=', value: name }]],
        startsAtMs: null,
        endsAtMs: stage.wallMs() + HOUR_MS,
        createdBy: 'ann',
        comment: '',
        annotations: {},
        by: 'ann',
      });

    it('leaves out what is not meant, told who hears of it and what keeps them from it', async () => {
      await post(
        alertOf({ alertname: 'Down', host: 'a', team: 'web', severity: 'critical' }),
        alertOf({ alertname: 'Slow', host: 'a', severity: 'warning' }),
        alertOf({ alertname: 'Full', host: 'b' }),
      );
      const id = (await silence('Full')).id;
      const seen: unknown[] = [];
      const meant = await listed(
        stage.view.alerts(({ labels, ...status }) => {
          seen.push([labels['alertname'], status.receivers, status.silencedBy, status.inhibitedBy.length]);
          return labels['alertname'] === 'Slow';
        }),
      );
      expect(meant.map(({ alert }) => alert.labels['alertname'])).toEqual(['Slow']);
      expect(seen).toHaveLength(3);
      expect(seen).toEqual(
        expect.arrayContaining([
          ['Down', ['web'], [], 0],
          ['Slow', ['default'], [], 1],
          ['Full', ['default'], [id], 0],
        ]),
      );
      const groups = await listed(stage.view.groups(({ labels }) => labels['alertname'] === 'Slow'));
      const members = await Promise.all(groups.map(({ alerts }) => listed(alerts)));
      expect(members.flat().map(({ alert }) => alert.labels['alertname'])).toEqual(['Slow']);
    });

    it('shows the receivers of the configuration, with their labels, and the configuration as Alertmanager knows it', async () => {
      expect(stage.view.receivers()).toEqual([
        { name: 'default', labels: { name: 'default' } },
        { name: 'web', labels: { name: 'web', owner: 'web' } },
      ]);
      expect(stage.view.configuration()).toBe(SHOWN_CONFIGURATION);
      expect(stage.view.resolveTimeoutMs()).toBe(5 * 60_000);
      expect(await listed(stage.view.alerts(ALL))).toEqual([]);
      expect(await listed(stage.view.groups(ALL))).toEqual([]);
    });

    it('shows each alert that fires once, with where it goes', async () => {
      const startsAtMs = stage.wallMs() - 1000;
      const labels = { alertname: 'Down', team: 'web', host: 'a' };
      await post(
        alertOf(labels, { startsAtMs, annotations: { summary: 'x' }, generatorUrl: 'http://p/graph' }),
        alertOf({ alertname: 'Full', host: 'b' }),
      );
      await post(alertOf(labels, { startsAtMs, annotations: { summary: 'y' } }));
      const alerts = named(await listed(stage.view.alerts(ALL)));
      expect(Object.keys(alerts).toSorted()).toEqual(['Down', 'Full']);
      expect(alerts['Down']).toMatchObject({
        alert: { labels, annotations: { summary: 'y' }, startsAtMs, endsAtMs: null },
        receivers: ['web'],
        silencedBy: [],
        inhibitedBy: [],
        expiresAtMs: stage.wallMs() + HOUR_MS,
      });
      expect(alerts['Full']?.receivers).toEqual(['default']);
    });

    it('shows no alert that is resolved, or that nobody has told of again in time', async () => {
      await post(
        alertOf({ alertname: 'Down' }),
        alertOf({ alertname: 'Full' }, { endsAtMs: stage.wallMs() + 60_000 }),
      );
      await post(
        alertOf(
          { alertname: 'Down' },
          { startsAtMs: stage.wallMs() - 2000, endsAtMs: stage.wallMs() - 1000 },
        ),
      );
      expect(Object.keys(named(await listed(stage.view.alerts(ALL))))).toEqual(['Full']);
      await stage.advance(2 * 60_000);
      expect(await listed(stage.view.alerts(ALL))).toEqual([]);
    });

    it('says by what an alert is silenced, as long as it is', async () => {
      await post(alertOf({ alertname: 'Down' }));
      const { id } = await silence('Down');
      expect(named(await listed(stage.view.alerts(ALL)))['Down']?.silencedBy).toEqual([id]);
      await stage.silences.expire(id, 'ann');
      expect(named(await listed(stage.view.alerts(ALL)))['Down']?.silencedBy).toEqual([]);
    });

    it('says by which alert one is inhibited, as long as it is', async () => {
      const critical = alertOf({ alertname: 'HostDown', severity: 'critical', host: 'a' });
      await post(
        critical,
        alertOf({ alertname: 'Slow', severity: 'warning', host: 'a' }),
        alertOf({ alertname: 'Full', severity: 'warning', host: 'b' }),
      );
      const { HostDown: source, Slow: slow, Full: full } = named(await listed(stage.view.alerts(ALL)));
      expect([slow?.inhibitedBy, full?.inhibitedBy]).toEqual([[source?.alert.fingerprint], []]);
      await post({ ...critical, endsAtMs: stage.wallMs() });
      expect(named(await listed(stage.view.alerts(ALL)))['Slow']?.inhibitedBy).toEqual([]);
    });

    it('shows the groups with their labels, receiver and alerts', async () => {
      for (const [alertname, host, team] of [
        ['Down', 'a', 'web'],
        ['Down', 'b', 'web'],
        ['Full', 'a', 'db'],
        ['Full', 'b', 'db'],
      ] as const) {
        await post(alertOf({ alertname, host, team }));
      }
      const viewed = await listed(stage.view.groups(ALL));
      const groups = await Promise.all(
        viewed.map(async (group) => ({
          receiver: group.receiver,
          labels: group.labels,
          mutedBy: group.mutedBy,
          hosts: (await listed(group.alerts)).map(({ alert }) => alert.labels['host'] ?? '').toSorted(),
        })),
      );
      expect(groups).toHaveLength(3);
      expect(groups).toEqual(
        expect.arrayContaining([
          { receiver: 'web', labels: { alertname: 'Down', host: 'a' }, mutedBy: [], hosts: ['a'] },
          { receiver: 'web', labels: { alertname: 'Down', host: 'b' }, mutedBy: [], hosts: ['b'] },
          { receiver: 'default', labels: { alertname: 'Full' }, mutedBy: [], hosts: ['a', 'b'] },
        ]),
      );
    });
  });
}

async function listed<Item>(viewed: Viewed<Item>): Promise<readonly Item[]> {
  const items: Item[] = [];
  for await (const item of viewed) items.push(item);
  return items;
}
