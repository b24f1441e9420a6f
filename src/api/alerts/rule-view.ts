import type { GroupOverview, RuleHistory, RuleOverview } from '#alerting';
import { parseLabels, toRfc3339, toRfc3339OrNull } from '#telemetry';
import type { z } from 'zod';
import { jsonOf, jsonOfFields, jsonOfList, mapped } from '../http/json-pieces.ts';
import type { ruleAnswer, ruleHistoryAnswer, rulesAnswer, ruleView } from './rule-schemas.ts';

type GroupView = z.input<typeof rulesAnswer>['groups'][number];

/** Rule by rule, as they are sent. */
export function jsonOfGroup(group: GroupOverview): Iterable<string> {
  const { name, file, interval_ms, query_offset_ms, limit } = viewOfGroup(group);
  const fields = {
    name: jsonOf(name),
    file: jsonOf(file),
    interval_ms: jsonOf(interval_ms),
    query_offset_ms: jsonOf(query_offset_ms),
    limit: jsonOf(limit),
    rules: jsonOfList(mapped(group.rules, viewOfRule)),
  } satisfies Record<keyof GroupView, Iterable<string>>;
  return jsonOfFields(Object.entries(fields));
}

export function viewOfGroup(group: GroupOverview): z.input<typeof ruleAnswer>['group'] {
  return {
    name: group.name,
    file: group.file,
    interval_ms: group.intervalMs,
    query_offset_ms: group.queryOffsetMs,
    limit: group.limit,
  };
}

export function viewOfRule(rule: RuleOverview): z.input<typeof ruleView> {
  const { statistics, active } = rule;
  return {
    rule_key: rule.key,
    rule_id: rule.id,
    kind: rule.kind,
    name: rule.name,
    state: rule.kind === 'recording' ? null : stateOf(active),
    line: rule.place.line,
    expr: rule.expr,
    for_ms: rule.forMs,
    keep_firing_for_ms: rule.keepFiringForMs,
    labels: rule.labels,
    annotations: rule.annotations,
    on_arrival: rule.onArrival,
    health: statistics.health,
    last_error: statistics.lastError,
    last_evaluation: toRfc3339OrNull(statistics.lastEvaluationMs),
    last_duration_ms: statistics.lastDurationMs,
    cost_ms: statistics.costMs,
    evaluations: statistics.evaluations,
    delays: statistics.delays,
    last_delay_ms: statistics.lastDelayMs,
    pending: active.pending,
    firing: active.firing,
  };
}

function stateOf({ firing, pending }: RuleOverview['active']): 'firing' | 'pending' | 'inactive' {
  return firing > 0 ? 'firing' : pending > 0 ? 'pending' : 'inactive';
}

export function viewOfEpisode(
  episode: RuleHistory['episodes'][number],
): z.input<typeof ruleHistoryAnswer>['episodes'][number] {
  return {
    alert_id: episode.id,
    labels: parseLabels(episode.labels),
    state: episode.state,
    fired_at: toRfc3339(episode.firedAtMs),
    resolved_at: toRfc3339OrNull(episode.resolvedAtMs),
    cause: episode.cause,
  };
}
