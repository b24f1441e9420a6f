import type { Outstanding } from '../outbox/delivery-queue.ts';
import type { MessageMember, Notification } from '../outbox/outbox-rows.ts';
import type { LogEntry } from '../stages/dedup-stage.ts';
import type { Climb, ClimbState } from './climb.ts';

/** The alerts of one ladder of a group, as they stand now. */
export interface LadderNow {
  readonly climbs: Iterable<Climb>;
  readonly climbOf: (alertId: string) => Climb | null;
  readonly climbStateOf: (alertId: string) => ClimbState;
}

/** What of a message that waits still counts where another one takes its place. */
export interface Carried {
  /** Those that its step was to tell of and that still climb. */
  readonly escalated: readonly MessageMember[];
  /** Those of which it tells that they are over. */
  readonly ended: readonly MessageMember[];
  /** Fingerprints of what its receiver knows once it was told of these, too. */
  readonly firing: ReadonlySet<string>;
  readonly resolved: ReadonlySet<string>;
}

/** @param entry what its receiver was told last; null where nothing */
export function carriedOver(
  waiting: Notification | null,
  entry: Pick<LogEntry, 'firing' | 'resolved'> | null,
  { climbOf, climbStateOf }: Pick<LadderNow, 'climbOf' | 'climbStateOf'>,
): Carried {
  const members = waiting?.members ?? [];
  const ended = members.filter(([, endsAtMs]) => endsAtMs !== null);
  const escalated =
    waiting?.reason === 'escalation'
      ? members.filter(([alertId, endsAtMs]) => endsAtMs === null && climbStateOf(alertId) !== 'over')
      : [];
  const known = entry?.firing ?? new Set<string>();
  // What it was told to fire, and the message that waits does not say so any more.
  const over = waiting ? known.difference(waiting.firing) : new Set<string>();
  const fingerprints = escalated.flatMap(([alertId]) => climbOf(alertId)?.fingerprint ?? []);
  return {
    escalated,
    ended,
    firing: known.difference(over).union(new Set(fingerprints)),
    resolved: (entry?.resolved ?? new Set<string>()).union(over),
  };
}

/** What becomes of a message of a step that waits, of which not all alerts are to be told any more. */
export interface Revision {
  /** Null: it is not sent at all. */
  readonly said: Pick<
    Notification,
    'reason' | 'members' | 'truncated' | 'note' | 'severity' | 'firing' | 'resolved'
  > | null;
  /** Those that are left out since they are over, or somebody looks after them. */
  readonly over: readonly Climb[];
  /** Those that are left out since they are kept back: their step is to be taken again. */
  readonly waiting: readonly Climb[];
}

/** @returns null where the message stays as it is */
export function revise(
  { notification }: Pick<Outstanding, 'notification'>,
  entry: Pick<LogEntry, 'firing'> | null,
  { climbs, climbOf, climbStateOf }: LadderNow,
): Revision | null {
  const { members, firing, truncated } = notification;
  const named = new Set(members.map(([alertId]) => alertId));
  const isNew = ({ fingerprint }: Climb): boolean =>
    firing.has(fingerprint) && !entry?.firing.has(fingerprint);
  const unnamed: readonly MessageMember[] =
    truncated === 0
      ? []
      : [...climbs].flatMap((climb) =>
          !named.has(climb.alertId) && isNew(climb) ? [[climb.alertId, null] as const] : [],
        );
  const told = [...members, ...unnamed].map((member) => {
    const [alertId, endsAtMs] = member;
    return { member, alertId, state: endsAtMs === null ? climbStateOf(alertId) : ('ended' as const) };
  });
  const isAny = (wanted: ClimbState | 'ended'): boolean => told.some(({ state }) => state === wanted);
  // Where all that is left is kept back the message waits for that.
  const stays: ClimbState = isAny('climbs') ? 'climbs' : 'waits';
  const kept = told.filter(({ state }) => state === stays || state === 'ended');
  if (kept.length === told.length) return null;
  const left = told.filter((one) => !kept.includes(one));
  const leftBy = (wanted: ClimbState): readonly Climb[] =>
    left.flatMap(({ alertId, state }) => (state === wanted ? (climbOf(alertId) ?? []) : []));
  const out = { over: leftBy('over'), waiting: leftBy('waits') };
  if (kept.length === 0) return { said: null, ...out };
  const gone = new Set(left.flatMap(({ alertId }) => climbOf(alertId)?.fingerprint ?? []));
  const isStep = isAny(stays);
  const fires = firing.difference(entry ? gone.difference(entry.firing) : gone);
  const room = kept.slice(0, members.length);
  return {
    ...out,
    said: {
      reason: isStep ? 'escalation' : fires.size === 0 ? 'all_resolved' : 'new_resolved',
      members: room.map(({ member }) => member),
      truncated: Math.max(0, truncated - unnamed.length) + kept.length - room.length,
      note: isStep ? notification.note : null,
      severity: isStep ? notification.severity : null,
      firing: fires,
      resolved: notification.resolved,
    },
  };
}
