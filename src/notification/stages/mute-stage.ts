import type { Route } from '../configuration/notification-configuration.ts';
import type { TrackedAlert } from '../groups/tracked-alert.ts';

/** The stages of a pass, in their order, by the names that explanations give. */
export const STAGES = [
  'routing',
  'inhibition',
  'active_time',
  'mute_time',
  'silence',
  'maintenance',
  'snooze',
  'flapping',
  'hold',
  'dedup',
  'rate_limit',
  'escalation',
  'delivery',
] as const;

export type Stage = (typeof STAGES)[number];

/** Why an alert is not told of now. */
export interface Muted {
  readonly stage: Stage;
  /** One sentence: by what, and until when where that is known. */
  readonly reason: string;
  /** How explanations call it; `kept back` where absent. */
  readonly decision?: string;
  /** Under what explanations keep it, where others say the same of the alert; under its group where absent. */
  readonly scope?: string;
  /** Wall ms at which its groups are looked at again: until then what is over stays in them. Absent: at their next interval. */
  readonly untilMs?: number;
  /** `told`: whoever has heard that the alert fires is told of it all the same. */
  readonly spares?: 'told';
}

/** A stage that keeps alerts back. */
export interface MuteStage {
  /** Looks up what it will be asked for an alert, with pauses; where absent nothing takes long. */
  lookAhead?(alert: TrackedAlert): Generator<void, unknown>;
  /** Null where it lets the alert pass. */
  judge(alert: TrackedAlert, route: Route, nowMs: number): Muted | null;
}

export interface Judged {
  readonly route: Route;
  readonly nowMs: number;
  /** Whether it is over and somebody was told that it fires: they hear of the end whatever inhibits it by then. */
  readonly isAwaited?: boolean;
}

/** What the first stage that keeps it back says. */
export function mutedBy(
  stages: readonly MuteStage[],
  alert: TrackedAlert,
  { route, nowMs, isAwaited = false }: Judged,
): Muted | null {
  for (const stage of stages) {
    const muted = stage.judge(alert, route, nowMs);
    if (muted && !(isAwaited && muted.stage === 'inhibition')) return muted;
  }
  return null;
}

/** Lets all stages look up what they will be asked for alerts, with pauses. */
export function* lookAhead(
  stages: readonly MuteStage[],
  alerts: Iterable<TrackedAlert>,
): Generator<void, void> {
  for (const alert of alerts) {
    for (const stage of stages) if (stage.lookAhead) yield* stage.lookAhead(alert);
    yield;
  }
}
