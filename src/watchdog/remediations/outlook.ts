import type { Guard } from '#telemetry';
import type { Suppression } from '../guards/guards.ts';
import type { PolicyRegistry } from '../policies/policy-registry.ts';
import type { Policy } from '../policies/policy.ts';
import { resolveTarget } from '../policies/resolve-target.ts';
import { targetText } from '../policies/target.ts';
import type { AlertFacts, FleetActuator } from '../ports.ts';
import type { RemediationDecisions } from './remediation-decisions.ts';
import type { RemediationRunner } from './remediation-runner.ts';

/**
 * Whether the watchdog acts on an alert by itself: by which policy, on which target, and what holds it back for now, if anything
 * does; else why it does not.
 */
export type Outlook =
  | {
      readonly acts: true;
      readonly policy: string;
      /** `agent:w-1` */
      readonly target: string;
      readonly heldBy: Suppression | null;
    }
  | { readonly acts: false; readonly reason: string };

export interface OutlookParts {
  readonly policies: Pick<PolicyRegistry, 'forAlert'>;
  readonly fleet: Pick<FleetActuator, 'agent' | 'hasPool' | 'poolsOfPhase'>;
  readonly runner: Pick<RemediationRunner, 'openOf'>;
  readonly decisions: Pick<RemediationDecisions, 'foresee'>;
}

/** What the first policy says that acts on the alert; where none does, why the first does not. Costs no look at the database. */
export function outlookOf(alert: AlertFacts, parts: OutlookParts): Outlook {
  let first: Outlook | null = null;
  for (const policy of parts.policies.forAlert(alert.labels)) {
    const outlook = outlookOfPolicy(policy, alert, parts);
    if (outlook.acts) return outlook;
    first ??= outlook;
  }
  return first ?? { acts: false, reason: 'no policy is for it' };
}

/** Why a policy does not act by itself, whatever an alert is about; null where it does. */
export function whyNotActing(
  name: string,
  policies: { get(name: string): Pick<Policy, 'mode'> | null },
): string | null {
  const policy = policies.get(name);
  if (policy === null) return `the policy ${name} is not in force any more`;
  if (policy.mode === 'approve') return asksFirst(name);
  return policy.mode === 'act' ? null : `the policy ${name} only observes`;
}

function asksFirst(name: string): string {
  return `the policy ${name} asks for approval first`;
}

function outlookOfPolicy(policy: Policy, alert: AlertFacts, parts: OutlookParts): Outlook {
  const { name, mode } = policy;
  if (mode === 'approve') return { acts: false, reason: asksFirst(name) };
  const target = resolveTarget(policy, alert, parts.fleet);
  if ('missing' in target) return { acts: false, reason: `the policy ${name} cannot act: ${target.missing}` };
  const open = parts.runner.openOf(alert.alertId).find((one) => one.policy === name);
  const { state } = open?.row ?? open?.subject ?? { state: 'planned' };
  const heldBy =
    state === 'planned' ? (open?.heldBy ?? parts.decisions.foresee({ policy, alert, target })) : null;
  // What is neither a matter of time nor of events that come by themselves.
  if (heldBy?.suppressed === 'observe' || heldBy?.suppressed === 'not_managed') {
    return { acts: false, reason: `the policy ${name}: ${heldBy.reason}` };
  }
  return { acts: true, policy: name, target: targetText(target), heldBy };
}

/** A policy that is for an alert and has no remediation of it, and what keeps it from one. */
export interface Withheld {
  readonly policy: string;
  /** The guard that holds it back; null where it is none: there is nothing to act on, or no room. */
  readonly guard: Guard | null;
  readonly reason: string;
  /** Wall ms at which the guard may lift; null where an event lifts it, and no time. */
  readonly untilMs: number | null;
}

export interface WithheldParts extends OutlookParts {
  /** Why no further remediation is planned, whatever it is about; null where one may be. */
  readonly noRoom: () => string | null;
}

/**
 * What keeps policies from a remediation of an alert, in the order in which a plan is refused; a policy that has one open, or will
 * have one at once, is left out. Costs no look at the database.
 */
export function withheldFrom(alert: AlertFacts, parts: WithheldParts): readonly Withheld[] {
  const { policies, fleet, runner, decisions, noRoom } = parts;
  const open = new Set(runner.openOf(alert.alertId).map(({ policy }) => policy));
  return policies.forAlert(alert.labels).flatMap((policy): Withheld[] => {
    if (open.has(policy.name)) return [];
    const unguarded = (reason: string): Withheld[] => [
      { policy: policy.name, guard: null, reason, untilMs: null },
    ];
    const target = resolveTarget(policy, alert, fleet);
    if ('missing' in target) return unguarded(target.missing);
    const wanted = { policy, alert, target };
    const impossible = decisions.foresee(wanted, ['not_managed']);
    const full = impossible === null ? noRoom() : null;
    if (full !== null) return unguarded(full);
    const held = impossible ?? decisions.foresee(wanted);
    if (held === null) return [];
    const { suppressed: guard, reason, untilMs } = held;
    return [{ policy: policy.name, guard, reason, untilMs }];
  });
}
