import { describe, expect, it } from 'vitest';
import { HIGH, rule, stagesOfTest } from './rule-stage.test-support.ts';

const stages = stagesOfTest();

describe('labels that JavaScript objects know by themselves', () => {
  const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty'];
  const metric = `queue{${names.map((name) => `${name}="of_${name}"`).join(', ')}}`;
  const template = names.map((name) => `{{ $labels.${name} }}`).join('; ');

  it('go from the sample through a rule to the alert and its events', async () => {
    const stage = await stages.open(
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
    const stage = await stages.open(HIGH);
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
    const stage = await stages.open(HIGH);
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
    const stage = await stages.open(rule('alert: High\nexpr: queue > 30\nfor: 5s'));
    await stage.append({ queue: 31 });
    await stage.advance(4750);
    expect(await stage.episodes()).toEqual([]);
    await stage.advance(500);
    expect(await stage.episodes()).toEqual(['g/High{}: firing']);
  });

  it('a group that opted out is evaluated at its interval only and resolves at once', async () => {
    const stage = await stages.open(HIGH, { groups: { g: { evaluate: 'interval' } } });
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
    const stage = await stages.open(HIGH);
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
    const stage = await stages.open(rule('alert: High\nexpr: queue > 30'));
    stage.clock.stepWallClock(4000);
    await stage.append({ queue: 31 });
    expect(await stage.episodes()).toHaveLength(1);
    stage.clock.stepWallClock(-4000);
    await stage.advance(4000);
    await stage.append({ queue: 3 });
    await stage.advance(4000);
    expect(await stage.episodes()).toEqual(['g/High{}: resolved recovered']);
  });
});

describe('a database that fails', () => {
  it.each(['lost', 'unanswered'] as const)('delays an alert and doubles nothing (%s)', async (fault) => {
    const stage = await stages.open(HIGH);
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

describe('what a group does not name', () => {
  const FILE = (keys: string) =>
    `groups: [{name: g, ${keys}rules: [{alert: High, expr: queue > 30}, {record: copy, expr: queue}]}]\n`;

  it('is the interval and the query offset of the options; what it names counts', async () => {
    const options = { defaultIntervalMs: 60_000, defaultQueryOffsetMs: 5000 };
    const { alerting } = await stages.open(FILE(''), options);
    const inForce = async () => [
      ...[...alerting.rules.states.values()].map(({ definition }) => definition.group.queryOffsetMs),
      ...(await alerting.overview()).map(({ intervalMs }) => intervalMs),
    ];
    expect(await inForce()).toEqual([5000, 5000, 60_000]);
    await alerting.rules.load([{ name: 'rules.yml', text: FILE('interval: 15s, query_offset: 0s, ') }]);
    expect(await inForce()).toEqual([0, 0, 15_000]);
  });
});
