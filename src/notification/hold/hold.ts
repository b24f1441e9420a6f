import { formatElapsed, type EventType, type Guard, type Labels, type SystemEvent } from '#telemetry';
import type { HeldBy } from '../ports.ts';

/**
 * An alert of which nobody is told yet, because a policy in mode act repairs what it tells of. `held`: there is no verdict yet;
 * `healed`: nobody is told at all once it is over; `released`: people are told, with what was tried.
 */
export interface Hold {
  readonly alertId: string;
  readonly policy: string;
  /** `agent:w-1` */
  readonly target: string;
  readonly severity: string;
  readonly labels: Labels;
  /** Those that would have been told. */
  readonly receivers: readonly string[];
  /** Wall ms: the last deadline of the routes that hold it. */
  readonly untilMs: number;
  readonly state: 'held' | 'healed' | 'released';
  /** The actions that were begun. */
  readonly steps: readonly string[];
  /** Why it is held, or what came of it: half a sentence. */
  readonly reason: string;
}

/** Under what explanations keep what became of the hold of an alert: it is said once, for whatever groups hold the alert. */
export const HOLD_SCOPE = 'hold';

/** What tells of the verdict on an alert that is held back. */
export const HOLD_EVENTS = [
  'watchdog.remediation.started',
  'watchdog.remediation.changed',
  'watchdog.remediation.suppressed',
  'watchdog.remediation.completed',
  'watchdog.escalated',
] as const satisfies readonly EventType[];

export type VerdictEvent = Extract<SystemEvent, { readonly event_type: (typeof HOLD_EVENTS)[number] }>;

export function isVerdict(event: SystemEvent): event is VerdictEvent {
  return HOLD_EVENTS.some((type) => type === event.event_type);
}

/** They lift with what other repairs do, which is soon: the deadline is long enough a bound. */
const LIFTED_SOON: ReadonlySet<Guard> = new Set(['one_per_target', 'max_parallel']);
/** Its time is that at which it is asked again, not at which it lifts. */
const LIFTED_BY_PEOPLE: ReadonlySet<Guard> = new Set(['not_authorized', 'paused', 'observe', 'not_managed']);

/** Whether a guard holds a repair back beyond a deadline, or nobody knows that it does not. */
export function holdsBeyond(
  { suppressed, untilMs }: Pick<HeldBy, 'suppressed' | 'untilMs'>,
  deadlineMs: number,
): boolean {
  if (LIFTED_BY_PEOPLE.has(suppressed)) return true;
  return untilMs === null ? !LIFTED_SOON.has(suppressed) : untilMs > deadlineMs;
}

/** What an event makes of a hold that has no verdict yet; null where it says nothing about it. */
export function followed(hold: Hold, event: VerdictEvent): Hold | null {
  if (hold.state !== 'held') return null;
  switch (event.event_type) {
    case 'watchdog.remediation.started':
      return concerns(hold, event.payload) ? begun(hold, event.payload.step) : null;
    case 'watchdog.remediation.changed': {
      const { to, step } = event.payload;
      if (!concerns(hold, event.payload)) return null;
      if (to === 'awaiting_approval') return released(hold, `${hold.policy} waits for approval`);
      return to === 'executing' && step !== null ? begun(hold, step) : null;
    }
    case 'watchdog.remediation.suppressed': {
      const { guard, reason, until } = event.payload;
      const untilMs = until === null ? null : Date.parse(until);
      if (!concerns(hold, event.payload)) return null;
      if (!holdsBeyond({ suppressed: guard, untilMs }, hold.untilMs)) return null;
      return released(hold, `${hold.policy} is held back: ${reason}`);
    }
    case 'watchdog.remediation.completed':
      return completed(hold, event.payload);
    case 'watchdog.escalated':
      return concerns(hold, event.payload)
        ? released(
            hold,
            `${triedBy(hold)}${event.payload.guardian} have to take over: ${event.payload.reason}`,
          )
        : null;
  }
}

/** What a hold comes to whose policy does not act by itself any more; null where there is a verdict already. */
export function withoutPolicy(hold: Hold, why: string): Hold | null {
  return hold.state === 'held' ? released(hold, `${triedBy(hold)}${why}`) : null;
}

type Completed = Extract<SystemEvent, { event_type: 'watchdog.remediation.completed' }>['payload'];

function completed(hold: Hold, payload: Completed): Hold | null {
  const { outcome, policy, target, alert_id: alertId, duration_ms: durationMs } = payload;
  // It tells of the repair before this one, whose alert was another.
  if (outcome === 'relapsed') {
    const isBefore = policy === hold.policy && target === hold.target && alertId !== hold.alertId;
    return isBefore ? released(hold, `what ${policy} had healed on ${target} has come back`) : null;
  }
  if (!concerns(hold, payload)) return null;
  if (outcome === 'healed') {
    const by = hold.steps.length === 0 ? policy : hold.steps.join(', then ');
    return { ...hold, state: 'healed', reason: `healed by ${by} in ${formatElapsed(durationMs)}` };
  }
  return released(hold, `${triedBy(hold)}${policy} has ended: ${outcome.replaceAll('_', ' ')}`);
}

function concerns(
  { alertId, policy }: Hold,
  payload: { readonly alert_id: string | null; readonly policy: string | null },
): boolean {
  return payload.alert_id === alertId && payload.policy === policy;
}

function begun(hold: Hold, step: string): Hold {
  return { ...hold, steps: [...hold.steps, step] };
}

function released(hold: Hold, reason: string): Hold {
  return { ...hold, state: 'released', reason };
}

function triedBy({ steps }: Hold): string {
  return steps.length === 0 ? '' : `tried ${steps.join(', then ')}; `;
}
