import { createHash } from 'node:crypto';
import { fingerprintOf, type Sender } from '#telemetry';
import { claimedUntilMs, mergedClaim, type Claim } from './claims.ts';
import type { PostedAlert } from './posted-alert.ts';
import type { PostedLimits } from './posted-limits.ts';

/** A label set that somebody says fires. */
export interface HeldAlert {
  readonly alertId: string;
  readonly ruleId: string;
  readonly traceparent: string | null;
  /** Wall ms. */
  readonly firedAtMs: number;
  /** At least one, of different senders. */
  readonly claims: readonly Claim[];
  /** Of its texts, as they are in its row. */
  readonly texts: string;
  /** Whether a person has ended it: it does not fire again before all claims have ended once. */
  readonly isDismissed: boolean;
}

/** What becomes of a label set by what was posted. */
export interface PlannedAlert {
  readonly fingerprint: string;
  /** The newest of it. */
  readonly alert: PostedAlert;
  /** Null where nobody held it until now. */
  readonly held: HeldAlert | null;
  /** Without any it is over. */
  readonly claims: readonly Claim[];
  /** The end of the claim that ended last; null where none has. */
  readonly endedAtMs: number | null;
}

/** What there is room for. */
export interface Room {
  readonly limits: PostedLimits;
  /** Alerts that somebody says fire. */
  readonly held: number;
  /** Of these, those of which the sender says so. */
  readonly heldBySender: number;
}

export interface PostPlan {
  readonly planned: readonly PlannedAlert[];
  /** Why some were not taken. */
  readonly problems: readonly string[];
}

/** What a sender's alerts come to, the later over the earlier. Changes nothing. */
export function planPost(
  alerts: readonly PostedAlert[],
  { sender, nowMs, find, room }: PostContext,
): PostPlan {
  const planned = new Map<string, PlannedAlert>();
  const problems: string[] = [];
  let { held: heldCount, heldBySender } = room;
  for (const alert of alerts) {
    const fingerprint = fingerprintOf(alert.labels);
    const earlier = planned.get(fingerprint);
    const held = earlier?.held ?? find(fingerprint);
    const claims = earlier?.claims ?? held?.claims ?? [];
    const own = claims.find((claim) => claim.sender === sender);
    const isOver = alert.endsAtMs <= nowMs;
    if (!isOver && !own) {
      const problem = problemOf({ ...room, held: heldCount, heldBySender }, claims);
      if (problem !== null) {
        problems.push(problem);
        continue;
      }
    }
    const next = isOver ? claims.filter((claim) => claim !== own) : withClaim(claims, own, alert, sender);
    heldCount += Math.sign(next.length) - Math.sign(claims.length);
    heldBySender += next.length - claims.length;
    const endedAtMs = isOver && own ? alert.endsAtMs : (earlier?.endedAtMs ?? null);
    planned.set(fingerprint, { fingerprint, alert, held, claims: next, endedAtMs });
  }
  return { planned: [...planned.values()], problems };
}

/** What there is room for once a plan is carried out. */
export function roomAfter(room: Room, { planned }: PostPlan): Room {
  let { held, heldBySender } = room;
  for (const one of planned) {
    const before = one.held?.claims.length ?? 0;
    held += Math.sign(one.claims.length) - Math.sign(before);
    heldBySender += one.claims.length - before;
  }
  return { ...room, held, heldBySender };
}

export interface PostContext {
  readonly sender: Sender;
  readonly nowMs: number;
  readonly find: (fingerprint: string) => HeldAlert | null;
  readonly room: Room;
}

function withClaim(
  claims: readonly Claim[],
  own: Claim | undefined,
  { startsAtMs, endsAtMs, timesOut }: PostedAlert,
  sender: Sender,
): readonly Claim[] {
  const said = { startsAtMs, endsAtMs, timesOut };
  if (!own) return [...claims, { ...said, sender }];
  const merged = mergedClaim(own, said);
  return claims.map((claim) => (claim === own ? merged : claim));
}

function problemOf({ limits, held, heldBySender }: Room, claims: readonly Claim[]): string | null {
  const { maxAlertsPerSender, maxAlerts, maxSendersPerAlert } = limits;
  if (heldBySender >= maxAlertsPerSender)
    return `too many alerts of one sender fire (maxAlertsPerSender is ${maxAlertsPerSender})`;
  if (claims.length === 0 && held >= maxAlerts)
    return `too many posted alerts fire (maxAlerts is ${maxAlerts})`;
  return claims.length >= maxSendersPerAlert
    ? `too many senders post the same alert (maxSendersPerAlert is ${maxSendersPerAlert})`
    : null;
}

/** What a row says of it beside its claims, in short. */
export function textsOf(annotations: string, generatorUrl: string): string {
  return createHash('sha256').update(`${annotations}\n${generatorUrl}`).digest('base64');
}

/** The claims that have not ended yet, and when the last of the others has; null where none has. */
export function withoutExpired(
  claims: readonly Claim[],
  nowMs: number,
): { readonly live: readonly Claim[]; readonly endedAtMs: number | null } {
  const live = claims.filter(({ endsAtMs }) => endsAtMs > nowMs);
  if (live.length === claims.length) return { live: claims, endedAtMs: null };
  return { live, endedAtMs: claimedUntilMs(claims.filter(({ endsAtMs }) => endsAtMs <= nowMs)) };
}
