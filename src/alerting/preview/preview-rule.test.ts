import { describe, expect, it } from 'vitest';
import { createEngine, openPoints } from '#promql';
import { createSystemClock, unpaced } from '#telemetry';
import { MemorySeries } from '../offline/memory-series.ts';
import { parseRuleFile } from '../rules/rule-file.ts';
import { buildRuleGroups } from '../rules/rule-set.ts';
import { previewRule } from './preview-rule.ts';

const MINUTE_MS = 60_000;

/** What a rule would have done over a metric `x` with a point a minute. */
async function previewOf(rule: string, values: string, toMs: number) {
  const clock = createSystemClock();
  const engine = createEngine({ clock });
  const source = new MemorySeries();
  source.addInput({ __name__: 'x' }, openPoints(values), { startMs: 0, stepMs: MINUTE_MS });
  source.readUntil(toMs);
  const text = `groups: [{name: g, interval: 1m, rules: [${rule}]}]`;
  const file = parseRuleFile({ name: 'rules.yml', text }, (expr) => engine.prepare(expr));
  const [group] = unpaced(buildRuleGroups([file]));
  const [first] = group?.rules ?? [];
  if (!group || first?.kind !== 'alerting') throw new Error('there is no alerting rule');
  return previewRule(
    { group, rule: first },
    { fromMs: 0, toMs },
    { engine, source, clock, externalLabels: {}, externalUrl: 'http://omoi', defaultIntervalMs: 15_000 },
  );
}

describe('a preview', () => {
  it('tells each episode with its times and texts', async () => {
    const rule = '{alert: High, expr: x > 3, for: 2m, annotations: {summary: "it is {{ $value }}"}}';
    const found = await previewOf(rule, '1 5 6 7 1 1 9 1', 8 * MINUTE_MS);
    const minutes = (ms: number | null): number | null => (ms === null ? null : ms / MINUTE_MS);
    expect(
      found.episodes.map(({ pendingMs, firedMs, endedMs, annotations }) => [
        minutes(pendingMs),
        minutes(firedMs),
        minutes(endedMs),
        annotations['summary'],
      ]),
    ).toEqual([
      [1, 3, 4, 'it is 7'],
      [6, null, 7, 'it is 9'],
    ]);
    expect([found.stepMs, found.evaluations, found.failure]).toEqual([MINUTE_MS, 9, null]);
  });

  it('looks less often where the time is long, and says how often', async () => {
    const { stepMs, evaluations } = await previewOf('{alert: A, expr: x > 3}', '5x10', 1440 * MINUTE_MS);
    expect([stepMs, evaluations]).toEqual([2 * MINUTE_MS, 721]);
  });

  it('ends where the rule can’t be evaluated, and says when and why', async () => {
    const expr = 'x or label_replace(x * 2, "b", "1", "", "")';
    const rule = `{alert: A, expr: ${JSON.stringify(expr)}, labels: {b: "2"}}`;
    const { failure } = await previewOf(rule, '5x10', 10 * MINUTE_MS);
    expect(failure).toMatchObject({ atMs: 0, message: expect.stringContaining('labels') });
  });
});
