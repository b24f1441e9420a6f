import { describe, expect, it } from 'vitest';
import { SelfMetrics, VirtualClock } from '#telemetry';
import { MemoryQueries, MemorySamples } from '../test-support.ts';
import { parseRuleFile } from '../rules/rule-file.ts';
import { buildRuleGroups } from '../rules/rule-set.ts';
import { EvaluationBudget } from './evaluation-budget.ts';
import { EvaluationScheduler } from './evaluation-scheduler.ts';
import { RuleRun } from './rule-run.ts';

/** A clock whose evaluations take time: the virtual clock plus what was spent. */
class BusyClock extends VirtualClock {
  spentMs = 0;
  override monotonicMs(): number {
    return super.monotonicMs() + this.spentMs;
  }
}

function stage(ruleCount: number, costMs: number, share = 0.25) {
  const clock = new BusyClock();
  const metrics = new SelfMetrics();
  const samples = new MemorySamples();
  const queries = new MemoryQueries(samples);
  const rules = Array.from(
    { length: ruleCount },
    (_, at) => `      - {record: r${String.fromCharCode(97 + at)}, expr: q}`,
  );
  const text = `groups:\n  - name: g\n    rules:\n${rules.join('\n')}\n`;
  const [group] = buildRuleGroups([parseRuleFile({ name: 'r.yml', text }, () => {})]);
  if (!group) throw new Error('no group');
  const runs = group.rules.map((rule, order) => {
    const pace = { onArrival: true, resolveStabilityMs: 0 };
    return new RuleRun(
      { rule, group, pace, query: queries.prepare('q'), order },
      { sink: samples, refused: metrics.counter('refused_total', '') },
      0,
    );
  });
  const evaluated: string[] = [];
  const scheduler = new EvaluationScheduler({
    clock,
    metrics,
    budget: new EvaluationBudget(share, 20),
    evaluate: (run, { repeat }) => {
      evaluated.push(`${run.loaded.rule.name}${repeat ? '*' : ''}@${clock.monotonicMs()}`);
      clock.spentMs += costMs;
      return Promise.resolve();
    },
  });
  const counted = (name: string) =>
    metrics
      .collect()
      .find((metric) => metric.name === name)
      ?.points.reduce((sum, point) => sum + point.value, 0);
  return { clock, scheduler, runs, evaluated, counted };
}

describe('the scheduler', () => {
  it('evaluates at the end of the turn, in the rules’ order, once however often a rule was marked', async () => {
    const { clock, scheduler, runs, evaluated } = stage(3, 0);
    for (const run of [...runs, ...runs].toReversed()) scheduler.mark(run, { repeat: false });
    expect(evaluated).toEqual([]);
    await clock.advance(0);
    expect(evaluated).toEqual(['ra@0', 'rb@0', 'rc@0']);
  });

  it('a rule waits 20 times its cost, at least 5 ms, and the wait is counted', async () => {
    const cheap = stage(1, 0);
    const dear = stage(1, 1);
    for (const { clock, scheduler, runs } of [cheap, dear]) {
      for (let at = 0; at < 100; at++) {
        for (const run of runs) scheduler.mark(run, { repeat: false });
        await clock.advance(1);
      }
    }
    expect(cheap.evaluated).toHaveLength(21);
    expect(dear.evaluated.length).toBeLessThan(15);
    expect(cheap.counted('omoi_rule_evaluations_delayed_total')).toBe(20);
    expect(cheap.runs[0]?.statistics.delays).toBe(20);
  });

  it('an interval’s mark is kept when an arrival’s came first', async () => {
    const { clock, scheduler, runs, evaluated } = stage(1, 0);
    for (const run of runs) scheduler.mark(run, { repeat: false });
    for (const run of runs) scheduler.mark(run, { repeat: true });
    await clock.advance(0);
    expect(evaluated).toEqual(['ra*@0']);
  });

  it('all rules together stay within the budget, and each has its turn', async () => {
    const { clock, scheduler, runs, evaluated, counted } = stage(4, 8, 0.1);
    for (let at = 0; at < 400; at++) {
      for (const run of runs) scheduler.mark(run, { repeat: false });
      await clock.advance(10);
    }
    expect(evaluated.length * 8).toBeLessThan(0.1 * clock.monotonicMs() + 40);
    const turns = runs.map((run) => run.statistics.evaluations);
    expect(Math.max(...turns) - Math.min(...turns)).toBeLessThanOrEqual(1);
    expect(counted('omoi_rules_dirty')).toBeGreaterThan(0);
    expect(counted('omoi_rule_evaluation_delay_seconds')).toBeGreaterThan(0);
  });

  it('a stopped rule is not evaluated', async () => {
    const { clock, scheduler, runs, evaluated } = stage(1, 0);
    for (const run of runs) scheduler.mark(run, { repeat: false });
    for (const run of runs) run.stop();
    await clock.advance(100);
    expect(evaluated).toEqual([]);
  });
});
