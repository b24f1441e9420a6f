import { describe, expect, it } from 'vitest';
import { SelfMetrics, silentLogger, VirtualClock } from '#telemetry';
import { MemoryQueries, MemorySamples } from '../memory-samples.test-support.ts';
import { parseRuleFile } from '../rules/rule-file.ts';
import { buildRuleGroups } from '../rules/rule-set.ts';
import { unpaced } from '../rules/unpaced.test-support.ts';
import { EvaluationBudget } from './evaluation-budget.ts';
import { EvaluationLoop, type LoopRule } from './evaluation-loop.ts';
import { runSliced, waitFor, type SlicedWork } from './sliced-work.ts';

/** A clock whose evaluations take time: the virtual clock plus what was spent. */
class BusyClock extends VirtualClock {
  spentMs = 0;
  override monotonicMs(): number {
    return super.monotonicMs() + this.spentMs;
  }
}

interface StageOptions {
  readonly rules: number;
  readonly costMs: number;
  readonly share?: number;
  /** An evaluation's steps, each of which costs as much. */
  readonly steps?: number;
}

function openLoop({ rules: ruleCount, costMs, share = 0.25, steps = 1 }: StageOptions) {
  const clock = new BusyClock();
  const metrics = new SelfMetrics();
  const samples = new MemorySamples();
  const queries = new MemoryQueries(samples);
  const texts = Array.from(
    { length: ruleCount },
    (_, at) => `      - {record: r${String.fromCharCode(97 + at)}, expr: q}`,
  );
  const text = `groups:\n  - name: g\n    rules:\n${texts.join('\n')}\n`;
  const [group] = unpaced(buildRuleGroups([parseRuleFile({ name: 'r.yml', text }, () => {})]));
  if (!group) throw new Error('no group');
  const evaluated: string[] = [];
  const ended = new Set<string>();
  const budget = new EvaluationBudget(clock, { share, burstMs: 20 });
  const loop = new EvaluationLoop({ clock, metrics, budget, logger: silentLogger, feed: samples });
  function* work(): SlicedWork<null> {
    for (let step = 0; step < steps; step++) {
      clock.spentMs += costMs;
      yield;
    }
    return null;
  }
  const rules: readonly LoopRule[] = group.rules.map((rule, order) => ({
    key: rule.key,
    definition: {
      rule,
      group,
      order,
      pace: { onArrival: true, resolveStabilityMs: 0 },
      query: queries.prepare('q'),
    },
    get hasEnded() {
      return ended.has(rule.key);
    },
    watch() {},
    unwatch() {},
    remove: async () => {},
    evaluate: async ({ repeat, slices }) => {
      evaluated.push(`${rule.name}${repeat ? '*' : ''}@${clock.monotonicMs()}`);
      return runSliced(work(), slices);
    },
  }));
  for (const rule of rules) loop.add(rule);
  const markAll = (): void => {
    for (const rule of rules) loop.mark(rule, { repeat: false });
  };
  const counted = (name: string) =>
    metrics
      .collect()
      .find((metric) => metric.name === name)
      ?.points.reduce((sum, point) => sum + point.value, 0);
  return { clock, loop, rules, evaluated, ended, markAll, counted };
}

describe('the evaluation loop', () => {
  it('evaluates at the end of the turn, in the rules’ order, once however often a rule was marked', async () => {
    const { clock, loop, rules, evaluated } = openLoop({ rules: 3, costMs: 0 });
    for (const rule of [...rules, ...rules].toReversed()) loop.mark(rule, { repeat: false });
    expect(evaluated).toEqual([]);
    await clock.advance(0);
    expect(evaluated).toEqual(['ra*@0', 'rb*@0', 'rc*@0']);
  });

  it('a rule waits 20 times its cost, at least 5 ms, and the wait is counted', async () => {
    const cheap = openLoop({ rules: 1, costMs: 0 });
    const dear = openLoop({ rules: 1, costMs: 1 });
    for (const { clock, markAll } of [cheap, dear]) {
      for (let at = 0; at < 100; at++) {
        markAll();
        await clock.advance(1);
      }
    }
    expect(cheap.evaluated).toHaveLength(21);
    expect(dear.evaluated.length).toBeLessThan(15);
    expect(cheap.counted('omoi_rule_evaluations_delayed_total')).toBe(20);
    const [rule] = cheap.rules;
    expect(rule && cheap.loop.paceOf(rule).delays).toBe(20);
  });

  it('an interval’s mark is kept when an arrival’s came first', async () => {
    const { clock, loop, rules, evaluated } = openLoop({ rules: 1, costMs: 0 });
    await clock.advance(10);
    for (const rule of rules) loop.mark(rule, { repeat: false });
    for (const rule of rules) loop.mark(rule, { repeat: true });
    await clock.advance(0);
    expect(evaluated).toEqual(['ra*@0', 'ra*@10']);
  });

  it('all rules together stay within the budget, and each has its turn', async () => {
    const { clock, loop, rules, evaluated, markAll, counted } = openLoop({ rules: 4, costMs: 8, share: 0.1 });
    for (let at = 0; at < 400; at++) {
      markAll();
      await clock.advance(10);
    }
    expect(evaluated.length * 8).toBeLessThan(0.1 * clock.monotonicMs() + 40);
    const turns = rules.map((rule) => loop.paceOf(rule).evaluations);
    expect(Math.max(...turns) - Math.min(...turns)).toBeLessThanOrEqual(1);
    expect(counted('omoi_rules_dirty')).toBeGreaterThan(0);
    expect(counted('omoi_rule_evaluation_delay_seconds')).toBeGreaterThan(0);
  });

  it('a small rule has its turn while a large one has used the common budget up', async () => {
    const { clock, loop, rules, evaluated } = openLoop({ rules: 1, costMs: 100 });
    const [large] = rules;
    if (!large) throw new Error('no rule');
    const smallAtMs: number[] = [];
    const small: LoopRule = {
      ...large,
      key: 'small',
      hasEnded: false,
      evaluate: async ({ slices }) => {
        smallAtMs.push(clock.monotonicMs());
        clock.spentMs += 0.1;
        slices.rest();
        return null;
      },
    };
    loop.add(small);
    await clock.advance(1000);
    smallAtMs.length = 0;
    // Four seconds' worth of work in the first turn, at a share of a fourth.
    for (let at = 0; at < 10; at++) {
      loop.mark(large, { repeat: false });
      await clock.advance(1);
    }
    const largeBefore = evaluated.length;
    for (let at = 0; at < 20; at++) {
      loop.mark(large, { repeat: false });
      loop.mark(small, { repeat: false });
      await clock.advance(10);
    }
    expect(smallAtMs).toHaveLength(20);
    expect(evaluated.length - largeBefore).toBeLessThan(2);
  });

  describe('with hundreds of rules that only their interval asks for', () => {
    /** All are small; the budget has nothing left in common. */
    async function openRoutine() {
      const stage = openLoop({ rules: 1, costMs: 0.2 });
      const { clock, loop, rules, evaluated } = stage;
      const [watched] = rules;
      if (!watched) throw new Error('no rule');
      let routine = 0;
      const others = Array.from({ length: 300 }, (_, at): LoopRule => ({
        ...watched,
        key: `routine ${at}`,
        hasEnded: false,
        evaluate: async ({ slices }) => {
          routine++;
          clock.spentMs += 0.2;
          slices.rest();
          return null;
        },
      }));
      for (const rule of others) loop.add(rule);
      await clock.advance(10_000);
      routine = 0;
      evaluated.length = 0;
      const large = loop.slices();
      clock.spentMs += 200;
      large.rest();
      return { ...stage, watched, others, routine: () => routine };
    }

    it('evaluates the one whose sample has arrived before them', async () => {
      const { clock, loop, watched, others, evaluated, routine } = await openRoutine();
      for (const rule of others) loop.mark(rule, { repeat: true });
      await clock.advance(2);
      const before = routine();
      expect(before).toBeLessThan(50);
      loop.mark(watched, { repeat: false });
      await clock.advance(0);
      expect(evaluated).toHaveLength(1);
      await clock.advance(10_000);
      expect(routine()).toBe(300);
    });

    it('evaluates them all the same while samples keep arriving', async () => {
      const { clock, loop, watched, others, evaluated, routine } = await openRoutine();
      for (const rule of others) loop.mark(rule, { repeat: true });
      for (let at = 0; at < 500; at++) {
        loop.mark(watched, { repeat: false });
        await clock.advance(10);
      }
      expect(evaluated.length).toBeGreaterThan(300);
      expect(routine()).toBe(300);
    });
  });

  it('rules that their interval alone asks for come when the one before is done, however long it takes', async () => {
    const { clock, loop, rules } = openLoop({ rules: 3, costMs: 0 });
    for (const rule of rules) loop.remove(rule);
    const told: string[] = [];
    const pace = { onArrival: false, resolveStabilityMs: 0 };
    const inOrder = rules.map((rule, at): LoopRule => ({
      ...rule,
      definition: { ...rule.definition, pace },
      hasEnded: false,
      evaluate: async ({ slices }) => {
        told.push(`${at} begins`);
        function* work(): SlicedWork<null> {
          // The first one takes many slices; the second one fails.
          for (let step = 0; step < (at === 0 ? 20 : 1); step++) {
            clock.spentMs += 1;
            yield;
          }
          if (at === 1) throw new Error('for a reason of its own');
          return null;
        }
        try {
          return await runSliced(work(), slices);
        } finally {
          told.push(`${at} ends`);
        }
      },
    }));
    for (const rule of inOrder) loop.add(rule);
    const go = async (until: () => boolean): Promise<void> => {
      while (!until()) {
        await clock.advance(10);
        await new Promise((resolve) => {
          setImmediate(resolve);
        });
      }
    };
    await go(() => told.length === 6);
    told.length = 0;
    // As in a reload: others of the group are not in the loop, or not yet.
    const ofGroup = inOrder.flatMap((rule): LoopRule[] => [{ ...rule, key: 'elsewhere' }, rule]);
    loop.setGroups([{ identity: 'g', intervalMs: 60_000, rules: ofGroup }]);
    await go(() => told.length === 6);
    expect(told).toEqual(['0 begins', '0 ends', '1 begins', '1 ends', '2 begins', '2 ends']);
    loop.stop();
  });

  it('a rule that ended is evaluated no more', async () => {
    const { clock, evaluated, ended, markAll } = openLoop({ rules: 1, costMs: 0 });
    ended.add('g/ra');
    await clock.advance(0);
    markAll();
    await clock.advance(100);
    expect(evaluated).toEqual(['ra*@0']);
  });

  it('a large evaluation comes in slices, and a small one need not wait for its end', async () => {
    const { clock, loop, rules, evaluated } = openLoop({ rules: 1, costMs: 1, steps: 100 });
    const smallAtMs: number[] = [];
    const [large] = rules;
    if (!large) throw new Error('no rule');
    const other: LoopRule = {
      ...large,
      key: 'small',
      hasEnded: false,
      evaluate: async () => {
        smallAtMs.push(clock.spentMs);
        return null;
      },
    };
    await clock.advance(0);
    expect(evaluated).toHaveLength(1);
    expect(clock.spentMs).toBeLessThan(20);
    loop.add(other);
    await clock.advance(0);
    expect(smallAtMs).toHaveLength(1);
    expect(smallAtMs[0]).toBeLessThan(20);
    while (loop.paceOf(large).lastDurationMs === 0) {
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
      await clock.advance(1);
    }
    expect(loop.paceOf(large)).toMatchObject({ lastDurationMs: 100, evaluations: 1 });
    // 20 ms at once, the rest at a quarter of the time.
    expect(clock.monotonicMs() - 100).toBeGreaterThan(150);
  });
});

describe('sliced work', () => {
  const slices = () => openLoop({ rules: 0, costMs: 0 }).loop.slices();

  it('is done in the call where it waits for nothing', () => {
    function* work(): SlicedWork<number> {
      yield;
      return (yield* waitFor(1)) + 1;
    }
    expect(runSliced(work(), slices())).toBe(2);
  });

  it('waits for promises, and throws at the place where one is rejected', async () => {
    function* work(): SlicedWork<string> {
      const first = yield* waitFor(Promise.resolve('a'));
      try {
        yield* waitFor(Promise.reject(new Error('b')));
      } catch (thrown) {
        return first + String(thrown);
      }
      return 'nothing was thrown';
    }
    expect(await runSliced(work(), slices())).toBe('aError: b');
  });
});
