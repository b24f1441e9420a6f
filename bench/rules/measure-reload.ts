import { LoopWatch } from '../otlp/loop-watch.ts';
import { round } from '../tsdb/numbers.ts';
import { openRuleStage } from './stage.ts';

const RELOADED_RULES = 10_000;

function rulesOf(count: number): string {
  const rules = Array.from(
    { length: count },
    (_, at) =>
      `      - alert: Rule${at}\n        expr: metric_${at % 500}{job="a"} > ${at}\n        for: 5m\n` +
      `        labels: {severity: warning}\n        annotations: {summary: '{{ $labels.id }} has {{ $value }}'}\n`,
  );
  return `groups:\n  - name: many\n    interval: 1h\n    rules:\n${rules.join('')}`;
}

/**
 * How long reloads hold the event loop: 10,000 rules of one file that are new, the same again, the same with another
 * `for`, and taken away. Each: the longest stretch (CPU of the main thread, and by the clock), and how long it took.
 */
export async function measureReload(): Promise<Readonly<Record<string, number>>> {
  const { alerting, close } = await openRuleStage();
  await alerting.start();
  const text = rulesOf(RELOADED_RULES);
  const reloads = {
    added: text,
    same: text,
    changed: text.replaceAll('for: 5m', 'for: 6m'),
    removed: rulesOf(1),
  };
  const result: Record<string, number> = {};
  for (const [name, rules] of Object.entries(reloads)) {
    const watch = new LoopWatch();
    const startedMs = performance.now();
    await alerting.rules.load([{ name: 'many.yml', text: rules }]);
    const { stretchCpuMs, stretchWallMs } = watch.stop();
    result[`reload_${name}_stretch_cpu_ms`] = round(stretchCpuMs, 1);
    result[`reload_${name}_stretch_ms`] = round(stretchWallMs, 1);
    result[`reload_${name}_s`] = round((performance.now() - startedMs) / 1000, 2);
  }
  await close();
  return result;
}
