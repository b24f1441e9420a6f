import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PageCursors } from '#telemetry';
import { openAlertApi, type AlertApi } from './alert-routes.test-support.ts';
import {
  activeAlertAnswer,
  activeAlertsAnswer,
  alertRuleAnswer,
  alertsAnswer,
  timelineAnswer,
} from './alert-schemas.ts';
import { ruleAnswer, ruleHistoryAnswer, rulesAnswer } from './rule-schemas.ts';
import { alertAnswer, commentsAnswer, maxAlertsAtOnce } from './handling-schemas.ts';

let opened: AlertApi;

beforeEach(async () => {
  opened = await openAlertApi();
});

afterEach(() => opened.close());

const call: AlertApi['call'] = (...request) => opened.call(...request);
const read: AlertApi['read'] = (...request) => opened.read(...request);

describe('a rule whose group has a name of 2,000 characters', () => {
  it('has label sets that are listed in pages and can be looked at', async () => {
    const alerts = ['One', 'Other'].map((alert) => `      - { alert: ${alert}, expr: queue > 10, for: 1h }`);
    const group = 'g'.repeat(2000);
    const long = await openAlertApi(['groups:', `  - name: ${group}`, '    rules:', ...alerts].join('\n'));
    try {
      const ids: string[] = [];
      for (let cursor: string | null = ''; cursor !== null;) {
        const from: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
        const page = await long.read(activeAlertsAnswer, `/api/v1/alerts/active?limit=1${from}`);
        ids.push(...page.active.map(({ active_id: id }) => id));
        cursor = page.next_cursor;
      }
      expect(new Set(ids).size).toBe(4);
      const found: string[] = [];
      for (const id of ids) {
        const url = `/api/v1/alerts/active/${encodeURIComponent(id)}`;
        const { rule, labels } = await long.read(activeAlertAnswer, url);
        found.push(`${rule.rule_id} ${labels['phase']}`);
      }
      const expected = ['One', 'Other'].flatMap((name) => ['a', 'b'].map((by) => `${group}/${name} ${by}`));
      expect(found.toSorted()).toEqual(expected);
    } finally {
      await long.close();
    }
  });
});

describe('/api/v1/alerts', () => {
  it('lists, filters and pages', async () => {
    const all = await read(alertsAnswer, '/api/v1/alerts');
    expect(all.alerts).toHaveLength(2);
    expect(all.alerts[0]).toMatchObject({
      rule_id: 'queues/High',
      state: 'firing',
      severity: 'critical',
    });
    const one = await read(alertsAnswer, `/api/v1/alerts?matcher=${encodeURIComponent('phase=~"a|x"')}`);
    expect(one.alerts).toMatchObject([
      { labels: { phase: 'a' }, value: '31', annotations: { summary: 'a: 31' } },
    ]);
    const high = '/api/v1/alerts?state=firing&rule_id=queues/High';
    const first = await read(alertsAnswer, `${high}&limit=1`);
    const second = await read(alertsAnswer, `${high}&limit=5&cursor=${first.next_cursor}`);
    for (const other of ['', '?state=firing', '?state=firing&rule_id=queues/Slow']) {
      const url = `/api/v1/alerts${other}${other === '' ? '?' : '&'}cursor=${first.next_cursor}`;
      expect(await call('GET', url)).toMatchObject({ status: 400, body: { error: 'invalid_cursor' } });
    }
    const idsOf = (page: { alerts: { id: string }[] }) => page.alerts.map(({ id }) => id);
    expect([...idsOf(first), ...idsOf(second)]).toEqual(idsOf(all));
    expect((await call('GET', '/api/v1/alerts?severity=info')).body).toEqual({
      alerts: [],
      next_cursor: null,
    });
  });

  it('lists what the routes send to receivers whose whole name matches, page after page', async () => {
    const phasesOf = async (query: string) => {
      const page = await read(alertsAnswer, `/api/v1/alerts?${query}`);
      return [page.alerts.map(({ labels }) => labels['phase']), page.next_cursor] as const;
    };
    expect((await phasesOf('receiver=desk'))[0]).toHaveLength(2);
    expect(await phasesOf('receiver=team-a')).toEqual([['a'], null]);
    expect(await phasesOf('receiver=team')).toEqual([[], null]);
    const [first, cursor] = await phasesOf('receiver=team-.&limit=1');
    const [second] = await phasesOf(`receiver=team-.&limit=5&cursor=${cursor}`);
    expect(new Set([...first, ...second])).toEqual(new Set(['a', 'b']));
    expect(await call('GET', `/api/v1/alerts?receiver=team-a&cursor=${cursor}`)).toMatchObject({
      status: 400,
      body: { error: 'invalid_cursor' },
    });
  });

  it.each([
    ['/api/v1/alerts?receiver=(', 400, 'invalid_request'],
    ['/api/v1/alerts?matcher=nonsense', 400, 'invalid_request'],
    ['/api/v1/alerts?matcher=a%3D~%22(%22', 400, 'invalid_request'],
    ['/api/v1/alerts?cursor=1', 400, 'invalid_cursor'],
    ['/api/v1/alerts?state=burning', 400, 'invalid_request'],
    ['/api/v1/alerts?limit=0', 400, 'invalid_request'],
    ['/api/v1/alerts/alrt_none', 404, 'unknown_alert'],
    ['/api/v1/alerts/alrt_none/timeline', 404, 'unknown_alert'],
    ['/api/v1/alerts/alrt_none/rule', 404, 'unknown_alert'],
  ])('%s is refused with %d %s', async (url, status, error) => {
    expect(await call('GET', url)).toMatchObject({ status, body: { error } });
  });

  it('tells the rule of an alert, and the query of the value that it judges, until the rule is gone', async () => {
    const { alerts } = await read(alertsAnswer, `/api/v1/alerts?matcher=${encodeURIComponent('phase="a"')}`);
    const url = `/api/v1/alerts/${alerts[0]?.id}/rule`;
    expect((await read(alertRuleAnswer, url)).rule).toMatchObject({
      rule_id: 'queues/High',
      expr: 'queue > 30',
      for_ms: 0,
      comparison: '>',
      threshold: 30,
      value_query: 'queue{phase="a"}',
    });
    await opened.stage.alerting.rules.load([{ name: 'rules.yml', text: 'groups: []' }]);
    expect((await read(alertRuleAnswer, url)).rule).toBeNull();
  });

  it('acknowledges and resolves in the name of who asks, and refuses viewers', async () => {
    const [alert] = (await read(alertsAnswer, '/api/v1/alerts')).alerts;
    const id = alert?.id ?? '';
    expect((await call('POST', `/api/v1/alerts/${id}/acknowledge`)).status).toBe(403);
    const acknowledged = await call('POST', `/api/v1/alerts/${id}/acknowledge`, 'operator');
    expect(acknowledged).toMatchObject({ status: 200, body: { acknowledged_by: 'the operator' } });
    const resolved = await call('POST', `/api/v1/alerts/${id}/resolve`, 'operator');
    expect(resolved).toMatchObject({ status: 200, body: { state: 'resolved', cause: 'manual' } });
    expect(await call('POST', `/api/v1/alerts/${id}/resolve`, 'operator')).toMatchObject({
      status: 409,
      body: { error: 'alert_resolved' },
    });
    const timeline = await read(timelineAnswer, `/api/v1/alerts/${id}/timeline`);
    expect(timeline.events.map((event) => event.event_type)).toEqual([
      'monitor.alert.triggered',
      'monitor.alert.acknowledged',
      'monitor.alert.resolved',
    ]);
  });

  it('takes what people do about an alert, and shows it', async () => {
    const [alert] = (await read(alertsAnswer, '/api/v1/alerts')).alerts;
    const url = `/api/v1/alerts/${alert?.id ?? ''}`;
    const post = (path: string, body?: object) => call('POST', `${url}/${path}`, 'operator', body);
    const at = (ms: number): string => new Date(opened.stage.clock.wallMs() + ms).toISOString();
    expect(await post('acknowledge', { note: 'on it' })).toMatchObject({
      body: { acknowledged_by: 'the operator', acknowledged_note: 'on it' },
    });
    expect(await post('snooze', { duration_ms: 60_000, note: 'later' })).toMatchObject({
      status: 200,
      body: { snoozed_until: at(60_000), snoozed_by: 'the operator', snooze_note: 'later' },
    });
    expect(await post('snooze', { until: at(120_000) })).toMatchObject({
      body: { snoozed_until: at(120_000) },
    });
    expect(await post('unsnooze')).toMatchObject({ body: { snoozed_until: null, snoozed_by: null } });
    expect(await post('assign', { assigned_to: 'ada' })).toMatchObject({
      body: { assigned_to: 'ada', assigned_by: 'the operator' },
    });
    expect(await post('comments', { text: 'the disk' })).toMatchObject({
      status: 201,
      body: { commented_by: 'the operator', text: 'the disk' },
    });
    expect((await read(commentsAnswer, `${url}/comments`)).comments).toMatchObject([{ text: 'the disk' }]);
    expect(await read(alertAnswer, url)).toMatchObject({
      id: alert?.id,
      comments: [{ commented_by: 'the operator', text: 'the disk' }],
      comment_count: 1,
    });
    for (const body of [{}, { until: at(1000), duration_ms: 1000 }]) {
      expect(await post('snooze', body)).toMatchObject({
        status: 400,
        body: { message: expect.stringContaining('by one of until and duration_ms') },
      });
    }
    for (const path of ['snooze', 'unsnooze', 'assign', 'comments']) {
      expect((await call('POST', `${url}/${path}`, 'viewer', {})).status).toBe(403);
    }
  });

  it('does the same about many alerts, and says of each what came of it', async () => {
    const { alerts } = await read(alertsAnswer, '/api/v1/alerts');
    const ids = [...alerts.map(({ id }) => id), 'alrt_none'];
    const bulk = (body: object) => call('POST', '/api/v1/alerts/bulk', 'operator', { ids, ...body });
    const none = { alert_id: 'alrt_none', error: 'unknown_alert', message: expect.any(String) };
    const done = alerts.map(({ id }) => ({ alert_id: id, error: null, message: null }));
    for (const body of [
      { action: 'acknowledge', note: 'all of them' },
      { action: 'snooze', duration_ms: 1000 },
      { action: 'unsnooze' },
      { action: 'assign', assigned_to: 'ada' },
      { action: 'comment', text: 'the disk' },
      { action: 'resolve' },
    ]) {
      expect(await bulk(body)).toEqual({ status: 200, body: { results: [...done, none] } });
    }
    expect((await read(alertsAnswer, '/api/v1/alerts')).alerts).toMatchObject(
      alerts.map(() => ({ state: 'resolved', acknowledged_note: 'all of them', assigned_to: 'ada' })),
    );
    expect(await bulk({ action: 'assign' })).toMatchObject({ status: 400 });
    expect(await bulk({ action: 'comment' })).toMatchObject({ status: 400 });
    const many = Array.from({ length: maxAlertsAtOnce + 1 }, (_, at) => `alrt_${at}`);
    expect(await bulk({ action: 'resolve', ids: many })).toMatchObject({ status: 400 });
    expect(await bulk({ action: 'resolve', ids: many.slice(1) })).toMatchObject({ status: 200 });
  });

  it('shows the rules with their health', async () => {
    const { groups } = await read(rulesAnswer, '/api/v1/alerts/rules');
    expect(groups.slice(0, 1)).toMatchObject([
      {
        name: 'queues',
        file: 'rules.yml',
        interval_ms: 30_000,
        rules: [
          { rule_id: 'queues/total', kind: 'recording', health: 'ok' },
          { rule_id: 'queues/High', pending: 0, firing: 2 },
          { rule_id: 'queues/Slow', for_ms: 3_600_000, pending: 2, firing: 0 },
        ],
      },
    ]);
  });

  it('pages rules; a group that ends on the next page is on both', async () => {
    const pages: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const from: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
      const page = await read(rulesAnswer, `/api/v1/alerts/rules?limit=2${from}`);
      pages.push(
        page.groups
          .map(({ name, rules }) => `${name}: ${rules.map((rule) => rule.name).join(' ')}`)
          .join('; '),
      );
      cursor = page.next_cursor;
    }
    expect(pages).toEqual(['queues: total High', 'queues: Slow; later: late:sum', 'later: Never']);
  });

  it('lists rules by what they do', async () => {
    const { groups, counts } = await read(rulesAnswer, '/api/v1/alerts/rules?state=firing');
    expect(groups.flatMap(({ rules }) => rules.map(({ name, state }) => [name, state]))).toEqual([
      ['High', 'firing'],
    ]);
    expect(counts).toMatchObject({ all: 5, firing: 1, pending: 1, recording: 2, failing: 0 });
    const byCost = await read(rulesAnswer, '/api/v1/alerts/rules?sort=cost&limit=2');
    expect(byCost.groups.flatMap(({ rules }) => rules)).toHaveLength(2);
    expect(byCost.next_cursor).toBeNull();
  });

  it('tells one rule whole, and when it fired', async () => {
    const { groups } = await read(rulesAnswer, '/api/v1/alerts/rules?text=High');
    const key = encodeURIComponent(groups[0]?.rules[0]?.rule_key ?? '');
    const { rule, group, reads } = await read(ruleAnswer, `/api/v1/alerts/rules/${key}`);
    expect([rule.rule_id, rule.state, rule.firing, group.name]).toEqual([
      'queues/High',
      'firing',
      2,
      'queues',
    ]);
    expect(reads).toEqual([{ selector: 'queue', series: 2, at_least: false, newest_sample: null }]);
    const { episodes, is_cut: isCut } = await read(ruleHistoryAnswer, `/api/v1/alerts/rules/${key}/history`);
    expect([episodes.map(({ state }) => state), isCut]).toEqual([['firing', 'firing'], false]);
    for (const path of ['nobody', 'nobody/history']) {
      const { status, body } = await opened.call('GET', `/api/v1/alerts/rules/${path}`);
      expect([status, body]).toMatchObject([404, { error: 'unknown_rule' }]);
    }
    const { status } = await opened.call(
      'GET',
      `/api/v1/alerts/rules/${key}/history?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z`,
    );
    expect(status).toBe(400);
  });

  const activeOf = async (query: string) => {
    const page = await read(activeAlertsAnswer, `/api/v1/alerts/active?${query}`);
    const names = page.active.map(({ rule_id: id, state, labels }) => `${id} ${labels['phase']} ${state}`);
    return { names, next: page.next_cursor };
  };

  it('lists what is pending and firing, filtered and in pages', async () => {
    const all = await activeOf('');
    expect(all.next).toBe(null);
    expect([...all.names].sort()).toEqual([
      'queues/High a firing',
      'queues/High b firing',
      'queues/Slow a pending',
      'queues/Slow b pending',
    ]);
    expect((await activeOf('state=pending')).names).toEqual(all.names.slice(2));
    expect((await activeOf('rule_id=queues/High')).names).toEqual(all.names.slice(0, 2));
    const paged: string[] = [];
    let page = await activeOf('limit=1');
    for (; page.next !== null; page = await activeOf(`limit=1&cursor=${encodeURIComponent(page.next)}`)) {
      paged.push(...page.names);
    }
    expect([...paged, ...page.names]).toEqual(all.names);
  });

  it('shows one that is pending with its rule and when it fires, the alert once it does, and nothing when it is over', async () => {
    const page = await read(activeAlertsAnswer, '/api/v1/alerts/active?rule_id=queues/Slow');
    const pending = page.active.find(({ labels }) => labels['phase'] === 'a');
    const url = `/api/v1/alerts/active/${encodeURIComponent(pending?.active_id ?? '')}`;
    const one = await read(activeAlertAnswer, url);
    expect(one).toMatchObject({
      ...pending,
      rule: { rule_id: 'queues/Slow', expr: 'queue > 10', for_ms: 3_600_000, threshold: 10, comparison: '>' },
    });
    expect(one.rule.value_query).toMatch(/^queue\{.*phase="a".*\}$/);
    expect(Date.parse(one.fires_at ?? '') - Date.parse(one.active_at)).toBe(3_600_000);

    const { active } = await read(activeAlertsAnswer, '/api/v1/alerts/active?rule_id=queues/High');
    const firing = await read(
      activeAlertAnswer,
      `/api/v1/alerts/active/${encodeURIComponent(active[0]?.active_id ?? '')}`,
    );
    expect(firing).toMatchObject({ alert_id: active[0]?.alert_id, fires_at: null });
    expect(firing.alert_id).not.toBeNull();

    await opened.stage.append({ 'queue{phase="a"}': 1, 'queue{phase="b"}': 40 });
    await opened.stage.advance(2000);
    for (const gone of [url, '/api/v1/alerts/active/nothing']) {
      expect(await call('GET', gone)).toMatchObject({ status: 404, body: { error: 'unknown_alert' } });
    }
  });

  it('goes on behind a label set that is gone, and not behind a rule that is', async () => {
    const all = await activeOf('');
    const first = await activeOf('limit=3');
    await opened.stage.append({ 'queue{phase="a"}': 1, 'queue{phase="b"}': 40 });
    await opened.stage.advance(2000);
    const next = `cursor=${encodeURIComponent(first.next ?? '')}`;
    const left = all.names.slice(3).filter((name) => !name.includes(' a '));
    expect((await activeOf(next)).names).toEqual(left);
    for (const [list, cursor] of [
      ['active', new PageCursors('active alerts', {}).at(`${'0'.repeat(16)}.queues/Gone`)],
      ['rules', new PageCursors('rules', {}).at('queues/Gone')],
    ] as const) {
      const url = `/api/v1/alerts/${list}?cursor=${encodeURIComponent(cursor)}`;
      expect(await call('GET', url)).toMatchObject({
        status: 400,
        body: {
          error: 'invalid_cursor',
          message: expect.stringMatching(
            /names a rule that is not loaded any more: begin with the first page/,
          ),
        },
      });
    }
  });
});
