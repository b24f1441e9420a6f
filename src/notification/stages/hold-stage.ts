import { severityRank, toRfc3339 } from '#telemetry';
import type { Route } from '../configuration/notification-configuration.ts';
import { HOLD_SCOPE, type Hold } from '../hold/hold.ts';
import type { MuteStage } from './mute-stage.ts';

const CRITICAL = severityRank('critical');

/** How long a route waits for the watchdog's verdict on an alert of a severity; null: it does not. */
export function holdMsOf({ omoi }: Pick<Route, 'omoi'>, severity: string): number | null {
  const { holdForRemediationMs, holdCritical } = omoi;
  return severityRank(severity) >= CRITICAL && !holdCritical ? null : holdForRemediationMs;
}

/** Keeps an alert back while a repair of what it tells of is under way, and for good where it was healed meanwhile. */
export function holdStage(holdOf: (alertId: string) => Hold | null): MuteStage {
  return {
    judge({ alertId, severity, firedAtMs, endsAtMs }, route, nowMs) {
      const holdMs = holdMsOf(route, severity);
      const hold = holdMs === null ? null : holdOf(alertId);
      if (holdMs === null || hold === null || hold.state === 'released') return null;
      const { policy, target, reason } = hold;
      const healed = {
        stage: 'hold',
        decision: 'healed',
        reason,
        scope: HOLD_SCOPE,
        spares: 'told',
      } as const;
      if (hold.state === 'healed' && endsAtMs !== null) return healed;
      // A reload may shorten a hold: what was promised when it began is the most.
      const untilMs = Math.min(firedAtMs + holdMs, hold.untilMs);
      // Where the wall clock was set back meanwhile the deadline would be as much later.
      if (untilMs <= nowMs || firedAtMs - nowMs > holdMs) return null;
      if (hold.state === 'healed') return { ...healed, untilMs };
      return {
        stage: 'hold',
        reason: `held until ${toRfc3339(untilMs)}, while ${policy} works on ${target}`,
        untilMs,
        spares: 'told',
      };
    },
  };
}
