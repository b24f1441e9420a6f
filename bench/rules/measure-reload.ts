import { LoopWatch } from '../otlp/loop-watch.ts';
import { round } from '../tsdb/numbers.ts';
import { openRuleStage } from './stage.ts';

export interface ReloadSize {
  readonly rules: number;
  /** Over which the rules are spread evenly. */
  readonly files: number;
}

function fileOf(
  file: number,
  count: number,
  forText: string,
): { readonly name: string; readonly text: string } {
  const rules = Array.from(
    { length: count },
    (_, at) =>
      `      - alert: Rule${at}\n        expr: metric_${at % 500}{job="a"} > ${at}\n        for: ${forText}\n` +
      `        labels: {severity: warning}\n        annotations: {summary: '{{ $labels.id }} has {{ $value }}'}\n`,
  );
  const text = `groups:\n  - name: many${file}\n    interval: 1h\n    rules:\n${rules.join('')}`;
  return { name: `many${file}.yml`, text };
}

/**
 * How long reloads hold the event loop: many rules that are new, the same again, those of one file with another `for`, all with
 * another `for`, and all but one taken away. Each: the longest stretch (CPU of the main thread, and by the clock), how long it
 * took, and what memory the process has.
 */
export async function measureReload({ rules, files }: ReloadSize): Promise<Readonly<Record<string, number>>> {
  const { alerting, close } = await openRuleStage();
  await alerting.start();
  const perFile = Math.ceil(rules / files);
  const written = Array.from({ length: files }, (_, file) => fileOf(file, perFile, '5m'));
  const reloads = {
    added: written,
    same: written,
    one_file_changed: [fileOf(0, perFile, '7m'), ...written.slice(1)],
    changed: written.map((_, file) => fileOf(file, perFile, '6m')),
    removed: [fileOf(0, 1, '6m')],
  };
  const result: Record<string, number> = {};
  for (const [name, texts] of Object.entries(reloads)) {
    const watch = new LoopWatch();
    const startedMs = performance.now();
    await alerting.rules.load(texts);
    const { stretchCpuMs, stretchWallMs } = watch.stop();
    result[`reload_${name}_stretch_cpu_ms`] = round(stretchCpuMs, 1);
    result[`reload_${name}_stretch_ms`] = round(stretchWallMs, 1);
    result[`reload_${name}_s`] = round((performance.now() - startedMs) / 1000, 2);
    result[`reload_${name}_resident_mb`] = round(process.memoryUsage.rss() / 1e6, 0);
  }
  await close();
  return result;
}
