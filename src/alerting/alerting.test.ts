import { afterEach, describe, expect, it } from 'vitest';
import { nextTurn } from '#telemetry';
import type { AlertingOptions } from './options.ts';
import { openStage, type Stage } from './alerting.test-support.ts';

const rule = (body: string, group = ''): string =>
  `groups:\n  - name: g\n    interval: 1m\n${group}    rules:\n      - ${body.replaceAll('\n', '\n        ')}\n`;

const HIGH = rule(
  'alert: High\nexpr: queue > 30\nlabels: {severity: critical}\nannotations: {summary: "{{ $labels.phase }} has {{ $value }}"}',
);

const open: Stage[] = [];
async function stageOf(rules: string, options: Partial<AlertingOptions> = {}): Promise<Stage> {
  const stage = await openStage(rules, options);
  open.push(stage);
  return stage;
}
afterEach(async () => {
  for (const stage of open.splice(0)) await stage.close();
});

describe('labels that JavaScript objects know by themselves', () => {
  const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty'];
  const metric = `queue{${names.map((name) => `${name}="of_${name}"`).join(', ')}}`;
  const template = names.map((name) => `{{ $labels.${name} }}`).join('; ');

  it('go from the sample through a rule to the alert and its events', async () => {
    const stage = await stageOf(
      [
        'groups:',
        '  - name: g',
        '    interval: 1s',
        '    rules:',
        '      - alert: High',
        '        expr: queue > 30',
        '        labels: {valueOf: "{{ $labels.constructor }}"}',
        `        annotations: {__proto__: "${template}"}`,
        '',
      ].join('\n'),
    );
    await stage.append({ [metric]: 31, queue: 31, 'queue{constructor="other"}': 3 });
    const page = await stage.alerting.alerts.list({
      matchers: ['__proto__="of___proto__"', 'constructor!=""', 'isPrototypeOf=""'],
      limit: 10,
    });
    expect(page.alerts).toHaveLength(1);
    const alert = page.alerts[0];
    const expected = new Map([
      ...names.map((name) => [name, `of_${name}`] as const),
      ['valueOf', 'of_constructor'],
      ['alertname', 'High'],
    ]);
    const entries = (json: string | undefined): Map<string, unknown> =>
      new Map(Object.entries(JSON.parse(json ?? '{}') as object));
    expect(entries(alert?.labels)).toEqual(expected);
    expect(entries(alert?.annotations)).toEqual(
      new Map([['__proto__', names.map((name) => `of_${name}`).join('; ')]]),
    );
    const triggered = (await stage.events()).find(({ entity_id: id }) => id === alert?.id);
    const { labels } = (triggered?.payload ?? {}) as { labels?: object };
    expect(new Map(Object.entries(labels ?? {}))).toEqual(expected);
  });
});

describe('evaluation on arrival', () => {
  it('fires in the turn of the append, with row, event and annotations', async () => {
    const stage = await stageOf(HIGH);
    await stage.append({ 'queue{phase="a"}': 31, 'queue{phase="b"}': 3 });
    const page = await stage.alerting.alerts.list({ matchers: [], limit: 10 });
    expect(page.alerts).toHaveLength(1);
    const alert = page.alerts[0];
    expect(alert).toMatchObject({
      rule_id: 'g/High',
      severity: 'critical',
      state: 'firing',
      value: '31',
      threshold: 30,
      comparison: '>',
      metric_name: 'queue',
      labels: JSON.stringify({ phase: 'a', severity: 'critical', alertname: 'High' }),
      annotations: JSON.stringify({ summary: 'a has 31' }),
    });
    const events = await stage.events();
    expect(events.map((event) => event.event_type)).toEqual(['monitor.alert.triggered']);
    expect(events[0]).toMatchObject({
      entity_id: alert?.id,
      traceparent: alert?.traceparent,
      payload: {
        rule_id: 'g/High',
        severity: 'critical',
        metric_name: 'queue',
        current_value: 31,
        threshold: 30,
      },
    });
  });

  it('resolves when the condition stayed false, and not after a blip', async () => {
    const stage = await stageOf(HIGH);
    await stage.append({ queue: 31 });
    await stage.advance(500);
    await stage.append({ queue: 3 });
    await stage.advance(500);
    await stage.append({ queue: 32 });
    await stage.advance(2000);
    expect(await stage.episodes()).toEqual(['g/High{"severity":"critical"}: firing']);
    await stage.append({ queue: 3 });
    await stage.advance(1250);
    expect(await stage.episodes()).toEqual(['g/High{"severity":"critical"}: resolved recovered']);
    const resolved = (await stage.events()).at(-1);
    expect(resolved).toMatchObject({ event_type: 'monitor.alert.resolved', payload: { cause: 'recovered' } });
  });

  it('fires when `for` has elapsed, without waiting for the interval or for data', async () => {
    const stage = await stageOf(rule('alert: High\nexpr: queue > 30\nfor: 5s'));
    await stage.append({ queue: 31 });
    await stage.advance(4750);
    expect(await stage.episodes()).toEqual([]);
    await stage.advance(500);
    expect(await stage.episodes()).toEqual(['g/High{}: firing']);
  });

  it('a group that opted out is evaluated at its interval only and resolves at once', async () => {
    const stage = await stageOf(HIGH, { groups: { g: { evaluate: 'interval' } } });
    await stage.append({ queue: 31 });
    await stage.advance(250);
    expect(await stage.episodes()).toEqual([]);
    await stage.advance(60_000);
    expect(await stage.episodes()).toEqual(['g/High{"severity":"critical"}: firing']);
    await stage.append({ queue: 3 });
    await stage.advance(60_000);
    expect(await stage.episodes()).toEqual(['g/High{"severity":"critical"}: resolved recovered']);
  });

  it('a flapping series is evaluated at its pace, and has one episode', async () => {
    const stage = await stageOf(HIGH);
    const before = (await stage.statistics()).evaluations;
    for (let flap = 0; flap < 100; flap++) {
      stage.appendNow({ queue: flap % 2 === 0 ? 31 : 3 });
      await stage.advance(1);
    }
    const { evaluations, delays } = await stage.statistics();
    expect(evaluations).toBeLessThanOrEqual(before + 21);
    expect(delays).toBeGreaterThan(0);
    expect(await stage.episodes()).toEqual(['g/High{"severity":"critical"}: firing']);
  });

  it('what is up to 5 s ahead counts', async () => {
    const stage = await stageOf(rule('alert: High\nexpr: queue > 30'));
    stage.clock.stepWallClock(4000);
    await stage.append({ queue: 31 });
    expect(await stage.episodes()).toHaveLength(1);
    stage.clock.stepWallClock(-4000);
    await stage.append({ queue: 3 });
    await stage.advance(8000);
    expect(await stage.episodes()).toEqual(['g/High{}: resolved recovered']);
  });
});

describe('causes', () => {
  it('a vanished series is no recovery', async () => {
    const stage = await stageOf(HIGH);
    await stage.append({ 'queue{phase="a"}': 31, 'queue{phase="b"}': 3 });
    await stage.append({ 'queue{phase="a"}': null });
    await stage.advance(1500);
    expect(await stage.episodes()).toEqual([
      'g/High{"phase":"a","severity":"critical"}: resolved data_vanished',
    ]);
  });

  it('missing data resolves nothing right after the start', async () => {
    const stage = await stageOf(HIGH, { startupGraceMs: 30_000 });
    await stage.append({ queue: 31 });
    await stage.append({ queue: null });
    await stage.advance(20_000);
    expect(await stage.episodes()).toEqual(['g/High{"severity":"critical"}: firing']);
    await stage.advance(12_000);
    expect(await stage.episodes()).toEqual(['g/High{"severity":"critical"}: resolved data_vanished']);
  });

  it('`absent` recovers when data comes back', async () => {
    const stage = await stageOf(rule('alert: Gone\nexpr: absent(queue)'));
    await stage.advance(250);
    expect(await stage.episodes()).toEqual(['g/Gone{}: firing']);
    await stage.append({ queue: 1 });
    await stage.advance(1500);
    expect(await stage.episodes()).toEqual(['g/Gone{}: resolved recovered']);
  });

  it('a failing query keeps the alert firing, marked, and resolves only after a long time', async () => {
    const stage = await stageOf(HIGH, { failedRuleResolveMs: 120_000 });
    await stage.append({ queue: 31 });
    stage.queries.failures.set('queue', 'many-to-many matching');
    await stage.advance(61_000);
    const alertId = (await stage.events())[0]?.entity_id ?? '';
    const errorOf = async () => (await stage.alerting.alerts.get(alertId)).evaluation_error;
    await waitUntil(async () => (await errorOf()) === 'many-to-many matching');
    expect(await stage.statistics()).toMatchObject({ health: 'err' });
    stage.queries.failures.clear();
    await stage.append({ queue: 32 });
    await stage.advance(500);
    await waitUntil(async () => (await errorOf()) === null);
    stage.queries.failures.set('queue', 'many-to-many matching');
    await stage.advance(181_000);
    expect(await stage.episodes()).toEqual(['g/High{"severity":"critical"}: resolved evaluation_failed']);
  });

  it('a recovery after a remediation has acted is that remediation’s', async () => {
    const stage = await stageOf(HIGH);
    await stage.append({ queue: 31 });
    const alertId = (await stage.events())[0]?.entity_id ?? '';
    await stage.database.transaction((tx) =>
      stage.bus.append(tx, {
        event_type: 'watchdog.remediation.started',
        entity_type: 'remediation',
        entity_id: 'rem_1',
        traceparent: null,
        payload: { remediation_id: 'rem_1', policy: 'p', alert_id: alertId, target: 'pool:a', step: 'scale' },
      }),
    );
    await waitUntil(async () => (await stage.alerting.alerts.get(alertId)).remediation_id === 'rem_1');
    await stage.append({ queue: 3 });
    await stage.advance(1500);
    expect(await stage.episodes()).toEqual(['g/High{"severity":"critical"}: resolved remediated']);
    const resolved = stage.tracing.spans.find(({ name }) => name === 'alerting.resolve');
    expect(resolved?.attributes?.['omoi.cause']).toBe('remediated');
  });

  it('a person’s resolution holds until the condition was false once', async () => {
    const stage = await stageOf(HIGH);
    await stage.append({ queue: 31 });
    const alertId = (await stage.events())[0]?.entity_id ?? '';
    await stage.alerting.alerts.acknowledge(alertId, 'ada');
    await stage.alerting.alerts.resolve(alertId);
    await expect(stage.alerting.alerts.resolve(alertId)).rejects.toMatchObject({ code: 'alert_resolved' });
    await expect(stage.alerting.alerts.acknowledge(alertId, 'ada')).rejects.toMatchObject({
      code: 'alert_resolved',
    });
    await stage.append({ queue: 40 });
    await stage.advance(2000);
    expect(await stage.episodes()).toEqual(['g/High{"severity":"critical"}: resolved manual']);
    await stage.append({ queue: 3 });
    await stage.advance(100);
    await stage.append({ queue: 40 });
    expect(await stage.episodes()).toHaveLength(2);
    expect((await stage.alerting.alerts.timeline(alertId)).map((event) => event.event_type)).toEqual([
      'monitor.alert.triggered',
      'monitor.alert.acknowledged',
      'monitor.alert.resolved',
    ]);
  });

  it('two results with the same labels fail the rule, and so does a limit', async () => {
    const stage = await stageOf(rule('alert: High\nexpr: queue > 30\nlabels: {phase: ""}', '    limit: 2\n'));
    const health = async () => (await stage.statistics()).lastError;
    await stage.append({ 'queue{phase="a"}': 31, 'queue{phase="b"}': 31 });
    expect(await health()).toContain('same labelset');
    await stage.append({ 'queue{phase="c"}': 31 });
    await stage.advance(100);
    expect(await health()).toContain('exceeded limit of 2 with 3 alerts');
    expect(await stage.episodes()).toEqual([]);
  });
});

describe('a database that fails', () => {
  it.each(['lost', 'unanswered'] as const)('delays an alert and doubles nothing (%s)', async (fault) => {
    const stage = await stageOf(HIGH);
    stage.faults.push(fault);
    await stage.append({ queue: 31 });
    await stage.advance(1500);
    expect(await stage.episodes()).toEqual(['g/High{"severity":"critical"}: firing']);
    stage.faults.push(fault);
    await stage.append({ queue: 3 });
    await stage.advance(3000);
    expect((await stage.events()).map((event) => event.event_type)).toEqual([
      'monitor.alert.triggered',
      'monitor.alert.resolved',
    ]);
  });
});

describe('what survives a restart', () => {
  it.each([{ crash: false }, { crash: true }])(
    'a firing alert goes on as the same episode (%j)',
    async ({ crash }) => {
      const before = await stageOf(HIGH);
      await before.append({ queue: 31 });
      await before.advance(1000);
      const after = await before.restart({ downMs: 10_000, crash });
      open[0] = after;
      await after.append({ queue: 35 });
      await after.advance(2000);
      expect(await after.episodes()).toEqual(['g/High{"severity":"critical"}: firing']);
      await after.append({ queue: 3 });
      await after.advance(1500);
      expect(await after.episodes()).toEqual(['g/High{"severity":"critical"}: resolved recovered']);
      expect((await after.events()).map((event) => event.event_type)).toEqual([
        'monitor.alert.triggered',
        'monitor.alert.resolved',
      ]);
    },
  );

  it('a pending alert keeps its time, without the downtime', async () => {
    const before = await stageOf(rule('alert: High\nexpr: queue > 30\nfor: 60s'));
    await before.append({ queue: 31 });
    await before.advance(40_000);
    const after = await before.restart({ downMs: 100_000 });
    open[0] = after;
    await after.append({ queue: 31 });
    await after.advance(19_000);
    expect(await after.episodes()).toEqual([]);
    await after.advance(2000);
    expect(await after.episodes()).toEqual(['g/High{}: firing']);
  });

  it('a pending alert does not outlive a long downtime', async () => {
    const before = await stageOf(rule('alert: High\nexpr: queue > 30\nfor: 60s'), {
      outageToleranceMs: 60_000,
    });
    await before.append({ queue: 31 });
    await before.advance(59_000);
    const after = await before.restart({ downMs: 61_000 });
    open[0] = after;
    await after.append({ queue: 31 });
    await after.advance(50_000);
    expect(await after.episodes()).toEqual([]);
  });

  it('keep_firing_for goes on where it was', async () => {
    const before = await stageOf(rule('alert: High\nexpr: queue > 30\nkeep_firing_for: 60s'));
    await before.append({ queue: 31 });
    await before.append({ queue: 3 });
    await before.advance(40_000);
    const after = await before.restart({ downMs: 5000 });
    open[0] = after;
    await after.append({ queue: 3 });
    await after.advance(18_000);
    expect(await after.episodes()).toEqual(['g/High{}: firing']);
    await after.advance(4000);
    expect(await after.episodes()).toEqual(['g/High{}: resolved recovered']);
  });

  it('a person’s resolution', async () => {
    const before = await stageOf(HIGH);
    await before.append({ queue: 31 });
    await before.alerting.alerts.resolve((await before.events())[0]?.entity_id ?? '');
    const after = await before.restart();
    open[0] = after;
    await after.append({ queue: 33 });
    await after.advance(2000);
    expect(await after.episodes()).toEqual(['g/High{"severity":"critical"}: resolved manual']);
  });

  it('alerts of a rule that is gone end', async () => {
    const before = await stageOf(HIGH);
    await before.append({ queue: 31 });
    await before.alerting.rules.load([{ name: 'rules.yml', text: rule('alert: Other\nexpr: queue > 90') }]);
    expect(await before.episodes()).toEqual(['g/High{"severity":"critical"}: resolved manual']);
  });
});

describe('a person’s resolution and a reload at once', () => {
  const changed = HIGH.replace('> 30', '> 29');
  const firingSeries = (stage: Stage) =>
    stage.samples.live('ALERTS', stage.clock.wallMs()).filter(({ alertstate }) => alertstate === 'firing');

  it.each([
    ['the person first', true],
    ['the reload first', false],
  ])('end the alert cleanly (%s)', async (_name, personFirst) => {
    const stage = await stageOf(HIGH);
    await stage.append({ queue: 31 });
    const alertId = (await stage.events())[0]?.entity_id ?? '';
    expect(firingSeries(stage)).toHaveLength(1);
    stage.observer.pause = nextTurn;
    const work = [
      () => stage.alerting.alerts.resolve(alertId),
      () => stage.alerting.rules.load([{ name: 'rules.yml', text: changed }]),
    ];
    await Promise.all((personFirst ? work : work.toReversed()).map((begin) => begin()));
    await stage.append({ queue: 32 });
    await stage.advance(2000);
    expect(await stage.episodes()).toEqual(['g/High{"severity":"critical"}: resolved manual']);
    expect(firingSeries(stage)).toEqual([]);
    await stage.append({ queue: 3 });
    await stage.advance(100);
    await stage.append({ queue: 33 });
    await stage.advance(100);
    expect(await stage.episodes()).toEqual([
      'g/High{"severity":"critical"}: resolved manual',
      'g/High{"severity":"critical"}: firing',
    ]);
  });

  it('of a rule that is removed: the alert is resolved once', async () => {
    const stage = await stageOf(HIGH);
    await stage.append({ queue: 31 });
    const alertId = (await stage.events())[0]?.entity_id ?? '';
    stage.observer.pause = nextTurn;
    await Promise.allSettled([
      stage.alerting.rules.load([{ name: 'rules.yml', text: rule('alert: Other\nexpr: queue > 90') }]),
      stage.alerting.alerts.resolve(alertId),
    ]);
    expect(await stage.episodes()).toEqual(['g/High{"severity":"critical"}: resolved manual']);
    expect(firingSeries(stage)).toEqual([]);
    const types = (await stage.events()).map((event) => event.event_type);
    expect(types).toEqual(['monitor.alert.triggered', 'monitor.alert.resolved']);
  });

  it('a resolution whose answer was lost holds, and a second one says that it is done', async () => {
    const stage = await stageOf(HIGH);
    await stage.append({ queue: 31 });
    const alertId = (await stage.events())[0]?.entity_id ?? '';
    stage.faults.push('unanswered');
    await expect(stage.alerting.alerts.resolve(alertId)).rejects.toMatchObject({ code: 'database_failed' });
    await expect(stage.alerting.alerts.resolve(alertId)).rejects.toMatchObject({ code: 'alert_resolved' });
    await stage.append({ queue: 32 });
    await stage.advance(2000);
    expect(await stage.episodes()).toEqual(['g/High{"severity":"critical"}: resolved manual']);
    expect(firingSeries(stage)).toEqual([]);
  });
});

describe('a second rule of the same name', () => {
  const pair = (first: string, second = '') =>
    `groups:\n  - name: g\n    interval: 1m\n    rules:\n${[first, second]
      .filter((text) => text !== '')
      .map((text) => `      - ${text}\n`)
      .join('')}`;
  const first = '{alert: High, expr: queue > 30, labels: {severity: warning}}';
  const second = '{alert: High, expr: queue > 90, labels: {severity: critical}}';

  it('changes nothing for the first one, by a reload or over a restart', async () => {
    const before = await stageOf(pair(first));
    await before.append({ queue: 31 });
    const alertId = (await before.events())[0]?.entity_id;
    await before.alerting.rules.load([{ name: 'rules.yml', text: pair(second, first) }]);
    await before.append({ queue: 32 });
    await before.advance(2000);
    expect(await before.episodes()).toEqual(['g/High{"severity":"warning"}: firing']);
    const after = await before.restart({ rules: pair(first, second) });
    open[0] = after;
    await after.append({ queue: 33 });
    await after.advance(2000);
    const third = await after.restart({ rules: pair(first) });
    open[0] = third;
    await third.append({ queue: 34 });
    await third.advance(2000);
    expect(await third.episodes()).toEqual(['g/High{"severity":"warning"}: firing']);
    expect((await third.events()).map(({ entity_id: id }) => id)).toEqual([alertId]);
  });
});

describe('a reload', () => {
  it('leaves the old rules running when a file is broken, and says where', async () => {
    const stage = await stageOf(HIGH);
    await expect(
      stage.alerting.rules.load([
        { name: 'good.yml', text: HIGH },
        { name: 'bad.yml', text: rule('alert: High\nexpr: queue >\nfoor: 5m') },
      ]),
    ).rejects.toMatchObject({
      code: 'rule_file_invalid',
      message: expect.stringContaining(
        'bad.yml:7:9: unknown key "groups.0.rules.0.foor"; did you mean "for"?',
      ),
    });
    await stage.append({ queue: 31 });
    expect(await stage.episodes()).toEqual(['g/High{"severity":"critical"}: firing']);
  });

  it('keeps the state of unchanged rules and lets a changed rule take its alerts over', async () => {
    const stage = await stageOf(HIGH);
    await stage.append({ queue: 50 });
    const run = stage.alerting.rules.states.get('g/High');
    await stage.alerting.rules.load([{ name: 'rules.yml', text: HIGH }]);
    expect(stage.alerting.rules.states.get('g/High')).toBe(run);
    await stage.alerting.rules.load([{ name: 'rules.yml', text: HIGH.replace('> 30', '> 40') }]);
    await stage.advance(2000);
    expect(await stage.episodes()).toEqual(['g/High{"severity":"critical"}: firing']);
    await stage.append({ queue: 35 });
    await stage.advance(1500);
    expect(await stage.episodes()).toEqual(['g/High{"severity":"critical"}: resolved recovered']);
  });
});

describe('series', () => {
  it('ALERTS and ALERTS_FOR_STATE are written and end in a staleness marker', async () => {
    const stage = await stageOf(rule('alert: High\nexpr: queue > 30\nfor: 1s'));
    await stage.append({ queue: 31 });
    await stage.advance(1500);
    await stage.append({ queue: 3 });
    await stage.advance(1500);
    expect(stage.samples.history('ALERTS')).toEqual({
      'alertname=High,alertstate=pending': ['1', 'stale'],
      'alertname=High,alertstate=firing': ['1', 'stale'],
    });
    expect(stage.samples.history('ALERTS_FOR_STATE')['alertname=High']?.at(-1)).toBe('stale');
  });

  it('a recording rule writes what changes, and later rules of the group see it', async () => {
    const stage = await stageOf(
      'groups:\n  - name: g\n    rules:\n      - {record: r, expr: queue, labels: {team: x}}\n      - {alert: High, expr: r > 30}\n',
    );
    await stage.append({ 'queue{phase="a"}': 31 });
    await stage.advance(10);
    expect(stage.samples.history('r')).toEqual({ 'phase=a,team=x': ['31'] });
    expect(await stage.episodes()).toEqual(['g/High{"phase":"a","team":"x"}: firing']);
    await stage.append({ 'queue{phase="a"}': null });
    expect(stage.samples.history('r')).toEqual({ 'phase=a,team=x': ['31', 'stale'] });
  });
});

describe('the trace of an alert', () => {
  const parentsOf = (stage: Stage): readonly string[] => {
    const names = new Map(stage.tracing.spans.map((span) => [span.traceparent, span.name]));
    return stage.tracing.spans.map(
      (span) => `${span.name} < ${span.parent === null ? 'root' : (names.get(span.parent) ?? span.parent)}`,
    );
  };
  const anomaly = '00-0000000000000000000000000000beef-00000000000000aa-01';

  it('begins at the append where nothing upstream was traced', async () => {
    const stage = await stageOf(HIGH);
    await stage.append({ queue: 3 });
    expect(stage.tracing.spans).toEqual([]);
    await stage.advance(100);
    await stage.append({ queue: 31 });
    await stage.append({ queue: 3 });
    await stage.advance(1500);
    expect(parentsOf(stage)).toEqual([
      'telemetry.append < root',
      'alerting.evaluate < telemetry.append',
      'alerting.alert < alerting.evaluate',
      'alerting.resolve < alerting.alert',
    ]);
  });

  it('descends from a traced series that still holds, though an untraced append fired it', async () => {
    const stage = await stageOf(HIGH);
    await stage.append({ 'queue{phase="a"}': 20 }, anomaly);
    await stage.advance(100);
    await stage.append({ 'queue{phase="b"}': 31 });
    await stage.append({ 'queue{phase="a"}': 31 }, anomaly);
    await stage.advance(100);
    const evaluated = stage.tracing.spans.filter((span) => span.name === 'alerting.evaluate');
    expect(evaluated.map((span) => span.parent === anomaly)).toEqual([false, true]);
    await stage.append({ 'queue{phase="c"}': 99, 'queue{phase="a"}': 20 });
    expect((await stage.events()).map((event) => event.traceparent?.includes('beef'))).toEqual([
      false,
      true,
      false,
    ]);
  });
});

async function waitUntil(holds: () => Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 500; attempt++) {
    if (await holds()) return;
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
  throw new Error('it never came');
}
