import { afterEach, describe, expect, it } from 'vitest';
import { METRIC_NAME_LABEL, nextTurn, type Labels } from '#telemetry';
import { openStage, type Stage } from './alerting.test-support.ts';
import type { SlicedWork } from './evaluation/sliced-work.ts';
import { findVanished } from './evaluation/vanished.ts';
import type { AlertingOptions } from './options.ts';

/** What one transaction may need at most: ends, begins, saved states, events. */
const STATEMENTS_PER_TRANSACTION = 6;
const EPISODES_PER_TRANSACTION = 100;
const SAVED_PER_TRANSACTION = 200;

const open: Stage[] = [];
async function stageOf(rules: readonly string[], options: Partial<AlertingOptions> = {}): Promise<Stage> {
  const stage = await openStage(rulesText(rules), options);
  open.push(stage);
  return stage;
}
afterEach(async () => {
  for (const stage of open.splice(0)) await stage.close();
});

function rulesText(rules: readonly string[]): string {
  return `groups:\n  - name: g\n    interval: 1m\n    rules:\n${rules.map((rule) => `      - ${rule}\n`).join('')}`;
}

function unitOf(metric: string, count: number, value: number): Record<string, number> {
  return Object.fromEntries(Array.from({ length: count }, (_, at) => [`${metric}{id="n${at}"}`, value]));
}

/** What the work asked of the database. */
async function trafficOf(stage: Stage, work: () => Promise<void>): Promise<Stage['observer']['traffic']> {
  const before = { ...stage.observer.traffic };
  await work();
  const { transactions, statements } = stage.observer.traffic;
  return { transactions: transactions - before.transactions, statements: statements - before.statements };
}

async function countRows(stage: Stage, state: 'firing' | 'resolved'): Promise<number> {
  const { count } = await stage.database.reader
    .selectFrom('alerts')
    .select((row) => row.fn.countAll<number>().as('count'))
    .where('state', '=', state)
    .executeTakeFirstOrThrow();
  return count;
}

describe('5,000 alerts of one rule', () => {
  const MANY = 5000;
  const rules = ['{alert: Flood, expr: flood > 30}', '{alert: Other, expr: other > 30}'];

  it('fire and recover in transactions of bounded size, and another alert waits for one of them', async () => {
    const stage = await stageOf(rules);
    // As behind a thread: a transaction takes a turn of the event loop.
    stage.observer.pause = nextTurn;
    const firing = await trafficOf(stage, () =>
      stage.append({ ...unitOf('flood', MANY, 31), 'other{id="x"}': 31 }),
    );
    expect(await countRows(stage, 'firing')).toBe(MANY + 1);
    expect(firing.transactions).toBe(MANY / EPISODES_PER_TRANSACTION + 1);
    expect(firing.statements).toBeLessThanOrEqual(firing.transactions * STATEMENTS_PER_TRANSACTION);
    const recovering = await trafficOf(stage, async () => {
      await stage.append({ ...unitOf('flood', MANY, 3), 'other{id="x"}': 3 });
      await stage.advance(1500);
    });
    expect(await countRows(stage, 'resolved')).toBe(MANY + 1);
    // Beside the episodes: that they are kept firing for a second is saved and confirmed.
    const saved = Math.ceil(MANY / SAVED_PER_TRANSACTION) + 4;
    expect(recovering.transactions).toBeLessThanOrEqual(MANY / EPISODES_PER_TRANSACTION + 1 + saved);
    expect(recovering.statements).toBeLessThanOrEqual(recovering.transactions * STATEMENTS_PER_TRANSACTION);
    const events = await stage.database.reader
      .selectFrom('events')
      .select(['id', 'event_type', 'payload'])
      .orderBy('id')
      .execute();
    const places = events.flatMap((event, place) => (event.payload.includes('g/Other') ? [place] : []));
    expect(events.map(({ event_type: type }) => type === 'monitor.alert.triggered').indexOf(false)).toBe(
      MANY + 1,
    );
    expect(events).toHaveLength(2 * (MANY + 1));
    expect(places[0]).toBeLessThanOrEqual(2 * EPISODES_PER_TRANSACTION);
    expect((places[1] ?? Infinity) - (MANY + 1)).toBeLessThanOrEqual(2 * EPISODES_PER_TRANSACTION);
    expect(
      Object.values(stage.samples.history('ALERTS')).every((history) => history.at(-1) === 'stale'),
    ).toBe(true);
  }, 60_000);

  it('whose values change have some of their rows refreshed each second, and unchanged ones none', async () => {
    const stage = await stageOf(rules);
    await stage.append(unitOf('flood', MANY, 31));
    await stage.advance(15_000);
    const changing = await trafficOf(stage, async () => {
      for (let second = 0; second < 10; second++) {
        await stage.append(unitOf('flood', MANY, 32 + second));
        await stage.advance(1000);
      }
    });
    // 500 rows a second; a transaction for each 200 of them, and one for a second.
    expect(changing.transactions).toBeLessThanOrEqual(2 * ((10 * 500) / SAVED_PER_TRANSACTION) + 10);
    await stage.advance(61_000);
    const still = await trafficOf(stage, () => stage.advance(61_000));
    expect(still.transactions).toBe(0);
  }, 60_000);

  it('end with their rule in transactions of bounded size', async () => {
    const stage = await stageOf(rules);
    await stage.append(unitOf('flood', MANY, 31));
    const load = await trafficOf(stage, async () => {
      await stage.alerting.rules.load([{ name: 'rules.yml', text: rulesText(rules.slice(1)) }]);
    });
    expect(load.transactions).toBe(MANY / EPISODES_PER_TRANSACTION + 1);
    expect(await countRows(stage, 'firing')).toBe(0);
  }, 60_000);
});

describe('10,000 pending alerts', () => {
  const MANY = 10_000;
  const rules = ['{alert: Slow, expr: slow > 30, for: 10m}'];

  it('are saved once, confirmed by one row, and keep their time over a restart', async () => {
    const stage = await stageOf(rules);
    const first = await trafficOf(stage, async () => {
      await stage.append(unitOf('slow', MANY, 31));
      await stage.advance(500);
    });
    expect(first.transactions).toBe(MANY / SAVED_PER_TRANSACTION);
    const later = await trafficOf(stage, () => stage.advance(60_000));
    expect(later).toEqual({ transactions: 6, statements: 6 });
    const after = await stage.restart({ downMs: 5000, crash: true });
    open[0] = after;
    await after.append(unitOf('slow', MANY, 31));
    await after.advance(10_000);
    const pending = await after.database.reader
      .selectFrom('alert_rule_state')
      .select((row) => row.fn.countAll<number>().as('count'))
      .executeTakeFirstOrThrow();
    expect(pending.count).toBe(MANY);
    const [group] = await after.alerting.overview();
    expect(group?.rules[0]?.active).toEqual({ pending: MANY, firing: 0 });
    const active = await after.alerting.activeAlerts(group?.rules[0]?.key ?? '');
    const ages = active.map(({ activeAtMs }) => after.clock.wallMs() - activeAtMs);
    expect(ages).toHaveLength(MANY);
    // 70.5 s, of which at most a confirmation period was lost with the crash.
    expect(Math.min(...ages)).toBeGreaterThan(60_000);
    expect(Math.max(...ages)).toBeLessThan(75_500);
  }, 60_000);
});

describe('200 rules', () => {
  const many = Array.from({ length: 200 }, (_, at) => `{alert: R${at}, expr: queue > ${at + 10}}`);

  it('are loaded anew with one transaction while they are evaluated; unchanged ones notice nothing', async () => {
    const stage = await stageOf(many);
    await stage.append({ 'queue{phase="a"}': 1000 });
    expect(await countRows(stage, 'firing')).toBe(200);
    const states = [...stage.alerting.rules.states.values()];
    const changed = many.map((rule, at) => (at === 7 ? rule.replace('> 17', '> 18') : rule)).toReversed();
    const load = await trafficOf(stage, async () => {
      stage.appendNow({ 'queue{phase="a"}': 999, 'queue{phase="b"}': 5 });
      const report = await stage.alerting.rules.load([{ name: 'rules.yml', text: rulesText(changed) }]);
      expect(report).toMatchObject({ rules: 200, changed: 1, removed: 0 });
    });
    expect(load.transactions).toBeLessThanOrEqual(2);
    expect([...stage.alerting.rules.states.values()].toReversed()).toEqual(states);
    await stage.advance(1000);
    expect(await countRows(stage, 'firing')).toBe(200);
    expect(await countRows(stage, 'resolved')).toBe(0);
  }, 60_000);
});

describe('which label sets vanished', () => {
  const element = (labels: Labels) => ({ labels: { ...labels, [METRIC_NAME_LABEL]: 'm' }, value: 1 });
  function stepsOf<Result>(work: SlicedWork<Result>): { readonly steps: number; readonly result: Result } {
    for (let steps = 0; ; steps++) {
      const step = work.next();
      if (step.done) return { steps, result: step.value };
    }
  }

  it.each<[string, Labels, readonly Labels[], boolean]>([
    ['the same labels are there', { a: '1', b: '2' }, [{ a: '1', b: '2' }], false],
    ['a value differs', { a: '1', b: '2' }, [{ a: '1', b: '3' }], true],
    ['the aggregated labels agree', { a: '1', b: '2' }, [{ a: '1' }], false],
    ['the aggregated labels disagree', { a: '1', b: '2' }, [{ a: '2' }], true],
    ['the data has more labels', { a: '1' }, [{ a: '1', b: '2' }], false],
    ['no label is common', { a: '1' }, [{ b: '2' }], false],
    ['nothing is there', { a: '1' }, [], true],
    ['one of several agrees', { a: '1' }, [{ a: '2' }, { a: '3', b: 'x' }, { a: '1', c: 'y' }], false],
    ['values that read alike when joined', { a: '1', b: '23' }, [{ a: '12', b: '3' }], true],
  ])('%s', (_name, labels, data, expected) => {
    const { result } = stepsOf(findVanished(new Map([['it', labels]]), data.map(element)));
    expect(result.has('it')).toBe(expected);
  });

  it('is looked up: the steps grow with the sum of both, not with their product', () => {
    const MANY = 5000;
    const missing = new Map(Array.from({ length: MANY }, (_, at) => [at, { id: `n${at}`, job: 'j' }]));
    const data = Array.from({ length: MANY }, (_, at) => element({ id: `n${2 * at}`, job: 'j' }));
    const { steps, result } = stepsOf(findVanished(missing, data));
    expect(result.size).toBe(MANY / 2);
    expect(steps).toBeLessThanOrEqual(2 * 2 * MANY);
  });
});
