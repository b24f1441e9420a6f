import { toStorable, type Labels, type Sender } from '#telemetry';
import type { PostedLimits } from './posted-limits.ts';

/** An alert that somebody has posted, checked and with all its times. Times: wall ms. */
export interface PostedAlert {
  /** Without empty ones. */
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly startsAtMs: number;
  /** Over where it is past; else when it counts as over unless it is posted again. */
  readonly endsAtMs: number;
  /** Whether the end was not said. */
  readonly timesOut: boolean;
  /** The page of what raised it; '' where there is none. */
  readonly generatorUrl: string;
}

export interface PostedFrom {
  readonly sender: Sender;
  readonly traceparent: string | null;
}

/** In place of a rule's id: `posted/NAME`. */
export function postedRuleId({ labels }: Pick<PostedAlert, 'labels'>): string {
  return `posted/${toStorable(labels['alertname'] ?? '')}`;
}

/** Why it is too large to be kept; null where it is not. */
export function sizeProblem(
  { labels, annotations, generatorUrl }: PostedAlert,
  { maxLabels, maxAlertBytes }: PostedLimits,
): string | null {
  const count = Object.keys(labels).length + Object.keys(annotations).length;
  if (count > maxLabels) return `too many labels and annotations: ${count} (maxLabels is ${maxLabels})`;
  const bytes = Buffer.byteLength(JSON.stringify([labels, annotations, generatorUrl]));
  return bytes > maxAlertBytes
    ? `labels and annotations too long: ${bytes} bytes (maxAlertBytes is ${maxAlertBytes})`
    : null;
}
