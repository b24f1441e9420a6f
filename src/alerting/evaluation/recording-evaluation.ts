import {
  copyLabels,
  formatLabels,
  labelsKey,
  METRIC_NAME_LABEL,
  OmoiError,
  type AppendOrigin,
  type Labels,
} from '#telemetry';
import type { LoadedRule } from '../rules/loaded-rule.ts';
import type { RecordingRule } from '../rules/rule.ts';
import type { VectorElement } from './rule-query.ts';
import type { OutputSample, SeriesWriter } from './series-writer.ts';
import type { SlicedWork } from './sliced-work.ts';

/**
 * Evaluates a recording rule and writes its outputs.
 * @throws OmoiError `query_failed` where two outputs get the same labels or there are more than the group's limit
 */
export function* evaluateRecording(
  { definition, rule }: { readonly definition: LoadedRule; readonly rule: RecordingRule },
  writer: SeriesWriter,
  at: { readonly timeMs: number; readonly origin: AppendOrigin; readonly repeat: boolean },
): SlicedWork<void> {
  const { group, query } = definition;
  const result = yield* query.evaluate(at.timeMs - (group.queryOffsetMs ?? 0));
  if (group.limit > 0 && result.length > group.limit) {
    throw new OmoiError('query_failed', `exceeded limit of ${group.limit} with ${result.length} series`);
  }
  const refusal = yield* writer.write(yield* outputsOf(rule, result), at);
  if (refusal !== null) throw new OmoiError('query_failed', refusal);
}

function* outputsOf(
  rule: RecordingRule,
  result: readonly VectorElement[],
): SlicedWork<readonly OutputSample[]> {
  const seen = new Set<string>();
  const outputs: OutputSample[] = [];
  for (const { labels, value, histogram } of result) {
    const output = { labels: outputLabels(rule, labels), value: histogram ?? value };
    const key = labelsKey(output.labels);
    if (seen.has(key)) {
      throw new OmoiError(
        'query_failed',
        `vector contains metrics with the same labelset after applying rule labels: ${formatLabels(output.labels)}`,
      );
    }
    seen.add(key);
    outputs.push(output);
    yield;
  }
  return outputs;
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
