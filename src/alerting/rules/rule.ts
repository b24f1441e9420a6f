import { formatLabels, type Labels, type TextRange } from '#telemetry';
import type { AlertTemplate } from './alert-template.ts';

interface RuleCommon {
  /** `group/name`; for people and APIs. */
  readonly id: string;
  /** What its state belongs to; kept while the rule is recognized, whatever else is loaded. */
  readonly key: string;
  readonly name: string;
  readonly expr: string;
  /** Everything that decides what the rule does; equal hash means unchanged. */
  readonly hash: string;
  /** Where it stands in its file, as that was read. */
  readonly place: TextRange;
}

export interface AlertingRule extends RuleCommon {
  readonly kind: 'alerting';
  readonly forMs: number;
  readonly keepFiringForMs: number;
  /** The group's labels and the rule's own, as templates. */
  readonly labels: ReadonlyMap<string, AlertTemplate>;
  readonly annotations: ReadonlyMap<string, AlertTemplate>;
}

export interface RecordingRule extends RuleCommon {
  readonly kind: 'recording';
  readonly labels: Labels;
}

export type Rule = AlertingRule | RecordingRule;

/** Rules that belong together: evaluated in their order, at one interval. */
export interface RuleGroup {
  readonly file: string;
  readonly name: string;
  /** Null: the server's default. */
  readonly intervalMs: number | null;
  /** Evaluation looks at the past by this much. Null: the server's default. */
  readonly queryOffsetMs: number | null;
  /** The most results a rule may have; 0 is no limit. */
  readonly limit: number;
  readonly rules: readonly Rule[];
}

/** The templates of a rule as they are written. */
export function templateTexts(templates: ReadonlyMap<string, AlertTemplate>): Labels {
  return Object.fromEntries([...templates].map(([name, template]) => [name, template.text]));
}

/** The labels of a rule as they are written, as one text. */
export function labelsText(
  rule: Pick<AlertingRule, 'kind' | 'labels'> | Pick<RecordingRule, 'kind' | 'labels'>,
): string {
  return formatLabels(rule.kind === 'alerting' ? templateTexts(rule.labels) : rule.labels);
}
