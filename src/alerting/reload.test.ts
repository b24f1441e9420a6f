import { describe, expect, it } from 'vitest';
import { nextTurn } from '#telemetry';
import type { Stage } from './alerting.test-support.ts';
import { HIGH, rule, stagesOfTest } from './rule-stage.test-support.ts';

const stages = stagesOfTest();

describe('a person’s resolution and a reload at once', () => {
  const changed = HIGH.replace('> 30', '> 29');
  const firingSeries = (stage: Stage) =>
    stage.samples.live('ALERTS', stage.clock.wallMs()).filter(({ alertstate }) => alertstate === 'firing');

  it.each([
    ['the person first', true],
    ['the reload first', false],
  ])('end the alert cleanly (%s)', async (_name, personFirst) => {
    const stage = await stages.open(HIGH);
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
    const stage = await stages.open(HIGH);
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
    const stage = await stages.open(HIGH);
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

describe('a person’s resolution whose answer was lost', () => {
  const lasting =
    'groups:\n  - name: g\n    interval: 1h\n    rules:\n      - {alert: High, expr: queue > 30}\n';

  it('is told at once where no data comes and the interval is far', async () => {
    const stage = await stages.open(lasting);
    await stage.append({ queue: 31 });
    const alertId = (await stage.events())[0]?.entity_id ?? '';
    stage.faults.push('unanswered');
    await expect(stage.alerting.alerts.resolve(alertId)).rejects.toMatchObject({ code: 'database_failed' });
    await stage.advance(100);
    expect(await stage.episodes()).toEqual(['g/High{}: resolved manual']);
    expect(stage.samples.live('ALERTS', stage.clock.wallMs())).toEqual([]);
    expect(await stage.alerting.activeAlerts('g/High')).toEqual([]);
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
    const before = await stages.open(pair(first));
    await before.append({ queue: 31 });
    const alertId = (await before.events())[0]?.entity_id;
    await before.alerting.rules.load([{ name: 'rules.yml', text: pair(second, first) }]);
    await before.append({ queue: 32 });
    await before.advance(2000);
    expect(await before.episodes()).toEqual(['g/High{"severity":"warning"}: firing']);
    const after = await stages.restart(before, { rules: pair(first, second) });
    await after.append({ queue: 33 });
    await after.advance(2000);
    const third = await stages.restart(after, { rules: pair(first) });
    await third.append({ queue: 34 });
    await third.advance(2000);
    expect(await third.episodes()).toEqual(['g/High{"severity":"warning"}: firing']);
    expect((await third.events()).map(({ entity_id: id }) => id)).toEqual([alertId]);
  });
});

describe('a reload that removes a recording rule', () => {
  const group = (name: string, ...rules: readonly string[]) =>
    `groups:\n  - name: ${name}\n    interval: 1m\n    rules:\n${rules.map((text) => `      - ${text}\n`).join('')}`;
  const twice = '{record: twice, expr: queue}';
  const recorded = '{alert: Recorded, expr: twice > 30}';
  const high = '{alert: High, expr: queue > 900}';
  const load = (stage: Stage, text: string) => stage.alerting.rules.load([{ name: 'rules.yml', text }]);

  /** The alert fires and its condition is false; an evaluation that is due waits for the alert's states to be saved. */
  async function aboutToResolve(): Promise<{ readonly stage: Stage; readonly savingMayEnd: () => void }> {
    const stage = await stages.open(group('g', twice, recorded));
    await stage.append({ queue: 31 });
    await stage.advance(500);
    expect(await stage.episodes()).toEqual(['g/Recorded{}: firing']);
    await stage.append({ queue: 3 });
    const saving = Promise.withResolvers<void>();
    stage.observer.pause = () => saving.promise;
    await stage.clock.advance(1500);
    const savingMayEnd = () => {
      stage.observer.pause = null;
      saving.resolve();
    };
    return { stage, savingMayEnd };
  }

  it('and the alert over it: that ends since its rule was removed, also where its evaluation was due', async () => {
    const { stage, savingMayEnd } = await aboutToResolve();
    stage.observer.pause = null;
    const loading = load(stage, group('g', high));
    await stage.clock.advance(1500);
    savingMayEnd();
    await loading;
    await stage.advance(2000);
    expect(await stage.episodes()).toEqual(['g/Recorded{}: resolved manual']);
  });

  it('and has the alert look at other data: that is judged by the other data', async () => {
    const { stage, savingMayEnd } = await aboutToResolve();
    stage.observer.pause = null;
    const loading = load(stage, group('g', '{alert: Recorded, expr: queue > 2}'));
    await stage.clock.advance(1500);
    savingMayEnd();
    await loading;
    await stage.advance(2000);
    expect(await stage.episodes()).toEqual(['g/Recorded{}: firing']);
  });

  it('under an alert that stays: its data has vanished', async () => {
    const stage = await stages.open(group('g', twice, recorded));
    await stage.append({ queue: 31 });
    await load(stage, group('g', recorded));
    await stage.advance(2000);
    expect(await stage.episodes()).toEqual(['g/Recorded{}: resolved data_vanished']);
  });

  it('and puts it into another group: its series and the alerts over it go on', async () => {
    const stage = await stages.open(group('g', twice) + group('h', recorded).slice('groups:\n'.length));
    await stage.append({ queue: 31 });
    await load(stage, group('other', twice) + group('h', recorded).slice('groups:\n'.length));
    await stage.advance(2000);
    expect(stage.samples.live('twice', stage.clock.wallMs())).toHaveLength(1);
    expect(await stage.episodes()).toEqual(['h/Recorded{}: firing']);
  });
});

describe('a reload', () => {
  it('leaves the old rules running when a file is broken, and says where', async () => {
    const stage = await stages.open(HIGH);
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
    const stage = await stages.open(HIGH);
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

describe('a reload and what rules read', () => {
  it('prepares the expressions that are new, each once', async () => {
    const prepared: string[] = [];
    const stage = await stages.open(HIGH);
    const prepare = stage.queries.prepare.bind(stage.queries);
    stage.queries.prepare = (expr) => {
      prepared.push(expr);
      return prepare(expr);
    };
    const load = (text: string) => stage.alerting.rules.load([{ name: 'rules.yml', text }]);
    await load(HIGH);
    await load(HIGH.replace('critical', 'warning'));
    expect(prepared).toEqual([]);
    await load(`${HIGH}      - {alert: One, expr: other > 1}\n      - {alert: Two, expr: other > 1}\n`);
    expect(prepared).toEqual(['other > 1']);
    await stage.append({ queue: 31 });
    expect(await stage.episodes()).toEqual(['g/High{"severity":"critical"}: firing']);
  });

  it('a rule that reads the same series keeps its subscriptions; another one changes them once', async () => {
    const stage = await stages.open(HIGH);
    const { samples } = stage;
    expect(samples.subscriptionsMade).toBe(1);
    const reload = (text: string) => stage.alerting.rules.load([{ name: 'rules.yml', text }]);
    await reload(HIGH.replace('> 30', '> 29'));
    expect(samples.subscriptionsMade).toBe(1);
    await stage.append({ queue: 30 });
    expect(await stage.episodes()).toEqual(['g/High{"severity":"critical"}: firing']);
    await reload(HIGH.replace('queue > 30', 'other > 30'));
    expect(samples.subscriptionsMade).toBe(2);
    expect(samples.subscribers).toBe(1);
  });
});
