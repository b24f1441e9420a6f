import type { RemediationOutcome } from '#telemetry';
import type { AlertFacts } from '../ports.ts';
import type { Remediation } from './remediation.ts';

/** An alert may flutter while its remediation takes hold; only a change beyond this share counts as worse. */
const WORSENED_SHARE = 0.5;

/** What has become of a step whose effect is watched. */
export type Verdict =
  | { readonly kind: 'open'; readonly leftMs: number }
  /** The alert has ended. */
  | { readonly kind: 'over'; readonly outcome: RemediationOutcome; readonly reason: string }
  /** The time is over, and the alert still fires. */
  | { readonly kind: 'ineffective'; readonly outcome: 'worsened' | 'no_effect' };

/** @param alert null where its record is gone */
export function judgeStep(
  remediation: Pick<Remediation, 'value_before' | 'verify_until_ms'>,
  alert: AlertFacts | null,
  nowMs: number,
): Verdict {
  if (!alert || alert.state === 'resolved') {
    const reason = `the alert resolved: ${alert?.cause ?? 'its record is gone'}`;
    return { kind: 'over', outcome: outcomeOf(alert?.cause ?? null), reason };
  }
  const leftMs = (remediation.verify_until_ms ?? 0) - nowMs;
  if (leftMs > 0) return { kind: 'open', leftMs };
  return {
    kind: 'ineffective',
    outcome: hasWorsened(remediation.value_before, alert) ? 'worsened' : 'no_effect',
  };
}

/** By the direction of the rule's comparison; without one nobody can say which value is worse. */
function hasWorsened(before: number | null, { value, worse }: AlertFacts): boolean {
  if (before === null || worse === null) return false;
  const rise = worse === 'higher' ? value - before : before - value;
  return rise > Math.abs(before) * WORSENED_SHARE;
}

/** What an alert's end says about the repair: only a recovery proves that it worked. */
function outcomeOf(cause: string | null): RemediationOutcome {
  if (cause === 'recovered' || cause === 'remediated') return 'healed';
  return cause === 'manual' ? 'cancelled' : 'unknown';
}
