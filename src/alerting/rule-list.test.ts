import { describe, expect, it } from 'vitest';
import type { RuleListQuery } from './rule-list.ts';
import { stagesOfTest } from './rule-stage.test-support.ts';

const stages = stagesOfTest();
const RULES = `groups:
  - name: queues
    interval: 1m
    rules:
      - { alert: High, expr: queue > 30, labels: { team: mail } }
      - { alert: Slow, expr: queue > 30, for: 1h }
      - { record: twice, expr: queue }
  - name: others
    interval: 1m
    rules:
      - { alert: Never, expr: queue > 1000 }
`;
const EVERYTHING: RuleListQuery = {
  cursor: null,
  limit: 100,
  order: 'place',
  activity: null,
  health: null,
  kind: null,
  file: null,
  group: null,
  text: null,
};

async function openFiring() {
  const stage = await stages.open(RULES);
  await stage.append({ queue: 31 });
  await stage.advance(500);
  return stage;
}

describe('the list of rules', () => {
  it.each<[string, Partial<RuleListQuery>, readonly string[]]>([
    ['all', {}, ['queues/High', 'queues/Slow', 'queues/twice', 'others/Never']],
    ['those that fire', { activity: 'firing' }, ['queues/High']],
    ['those that wait', { activity: 'pending' }, ['queues/Slow']],
    ['alerts that do neither', { activity: 'inactive' }, ['others/Never']],
    ['what records', { kind: 'recording' }, ['queues/twice']],
    ['of a group', { group: 'others' }, ['others/Never']],
    ['of a file', { file: 'rules.yml' }, ['queues/High', 'queues/Slow', 'queues/twice', 'others/Never']],
    ['of another file', { file: 'none.yml' }, []],
    ['by a label', { text: 'team=MAIL' }, ['queues/High']],
    ['by the expression', { text: '1000' }, ['others/Never']],
    ['that fail', { health: 'err' }, []],
  ])('holds %s', async (_name, query, expected) => {
    const stage = await openFiring();
    const { groups, counts } = await stage.alerting.listRules({ ...EVERYTHING, ...query });
    expect(groups.flatMap(({ rules }) => rules.map(({ id }) => id))).toEqual(expected);
    expect(counts).toEqual({ all: 4, alerting: 3, recording: 1, firing: 1, pending: 1, failing: 0 });
  });

  it('comes in pages, which a reload may end', async () => {
    const stage = await openFiring();
    const first = await stage.alerting.listRules({ ...EVERYTHING, limit: 3 });
    expect(first.groups.map(({ name, rules }) => [name, rules.length])).toEqual([['queues', 3]]);
    const query = { ...EVERYTHING, limit: 3, cursor: first.nextCursor };
    const second = await stage.alerting.listRules(query);
    expect(second.groups.map(({ name, rules }) => [name, rules.length])).toEqual([['others', 1]]);
    expect(second.nextCursor).toBeNull();
    await stage.alerting.rules.load([{ name: 'rules.yml', text: 'groups: []' }]);
    await expect(stage.alerting.listRules(query)).rejects.toMatchObject({ code: 'invalid_cursor' });
    await expect(stage.alerting.listRules({ ...EVERYTHING, cursor: 'x' })).rejects.toMatchObject({
      code: 'invalid_cursor',
    });
  });

  it('has the dearest first where that is asked for, each in its group', async () => {
    const stage = await openFiring();
    const { groups, nextCursor } = await stage.alerting.listRules({ ...EVERYTHING, order: 'cost', limit: 3 });
    const costs = groups.flatMap(({ rules }) => rules.map(({ statistics }) => statistics.costMs));
    expect(costs).toEqual([...costs].sort((a, b) => b - a));
    expect([costs.length, nextCursor]).toEqual([3, null]);
  });
});

describe('the history of a rule', () => {
  it('has the episodes that reach into the span, the newest first', async () => {
    const stage = await openFiring();
    const start = stage.clock.wallMs();
    for (const value of [3, 31, 3, 31]) {
      await stage.append({ queue: value });
      await stage.advance(5000);
    }
    const key = 'queues/High';
    const whole = await stage.alerting.ruleHistory(key, { fromMs: 0, toMs: stage.clock.wallMs() });
    expect(whole?.episodes.map(({ state }) => state)).toEqual(['firing', 'resolved', 'resolved']);
    const late = await stage.alerting.ruleHistory(key, { fromMs: start + 4000, toMs: start + 12_000 });
    expect(late?.episodes.map(({ state }) => state)).toEqual(['resolved']);
    expect(await stage.alerting.ruleHistory('nobody', { fromMs: 0, toMs: 1 })).toBeNull();
  });
});
