import {
  copyLabels,
  formatLabels,
  labelsKey,
  METRIC_NAME_LABEL,
  OmoiError,
  type AppendOrigin,
  type Labels,
} from '#telemetry';
import type { RecordingRule } from '../rules/rule.ts';
import type { VectorElement } from './rule-query.ts';
import type { OutputSample } from './series-writer.ts';
import type { RuleRun } from './rule-run.ts';

/**
 * Evaluates a recording rule and writes its outputs.
 * @throws OmoiError `query_failed` where two outputs get the same labels or there are more than the group's limit
 */
export async function evaluateRecording(
  run: RuleRun,
  rule: RecordingRule,
  at: { readonly timeMs: number; readonly origin: AppendOrigin; readonly repeat: boolean },
): Promise<void> {
  const { group, query } = run.loaded;
  const pending = query.evaluate(at.timeMs - (group.queryOffsetMs ?? 0));
  const result = pending instanceof Promise ? await pending : pending;
  if (group.limit > 0 && result.length > group.limit) {
    throw new OmoiError('query_failed', `exceeded limit of ${group.limit} with ${result.length} series`);
  }
  const refusal = run.writer.write(outputsOf(rule, result), at);
  if (refusal !== null) throw new OmoiError('query_failed', refusal);
}

function outputsOf(rule: RecordingRule, result: readonly VectorElement[]): readonly OutputSample[] {
  const seen = new Set<string>();
  return result.map(({ labels, value }) => {
    const output = { labels: outputLabels(rule, labels), value };
    const key = labelsKey(output.labels);
    if (seen.has(key)) {
      throw new OmoiError(
        'query_failed',
        `vector contains metrics with the same labelset after applying rule labels: ${formatLabels(output.labels)}`,
      );
    }
    seen.add(key);
    return output;
  });
}

function outputLabels(rule: RecordingRule, labels: Labels): Labels {
  const output = copyLabels(labels);
  for (const [name, value] of Object.entries(rule.labels)) {
    if (value === '') delete output[name];
    else output[name] = value;
  }
  output[METRIC_NAME_LABEL] = rule.name;
  return output;
}
