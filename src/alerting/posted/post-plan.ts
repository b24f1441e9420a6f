import { createHash } from 'node:crypto';
import { fingerprintOf, type Sender } from '#telemetry';
import { postedUntilMs, mergedPosting, type Posting } from './postings.ts';
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
  readonly postings: readonly Posting[];
  /** Of its texts, as they are in its row. */
  readonly texts: string;
  /** Whether a person has ended it: it does not fire again before all postings have ended once. */
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
  readonly postings: readonly Posting[];
  /** The end of the posting that ended last; null where none has. */
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
    const postings = earlier?.postings ?? held?.postings ?? [];
    const own = postings.find((posting) => posting.sender === sender);
    const isOver = alert.endsAtMs <= nowMs;
    if (!isOver && !own) {
      const problem = problemOf({ ...room, held: heldCount, heldBySender }, postings);
      if (problem !== null) {
        problems.push(problem);
        continue;
      }
    }
    const next = isOver
      ? postings.filter((posting) => posting !== own)
      : withPosting(postings, own, alert, sender);
    heldCount += Math.sign(next.length) - Math.sign(postings.length);
    heldBySender += next.length - postings.length;
    const endedAtMs = isOver && own ? alert.endsAtMs : (earlier?.endedAtMs ?? null);
    planned.set(fingerprint, { fingerprint, alert, held, postings: next, endedAtMs });
  }
  return { planned: [...planned.values()], problems };
}

/** What there is room for once a plan is carried out. */
export function roomAfter(room: Room, { planned }: PostPlan): Room {
  let { held, heldBySender } = room;
  for (const one of planned) {
    const before = one.held?.postings.length ?? 0;
    held += Math.sign(one.postings.length) - Math.sign(before);
    heldBySender += one.postings.length - before;
  }
  return { ...room, held, heldBySender };
}

export interface PostContext {
  readonly sender: Sender;
  readonly nowMs: number;
  readonly find: (fingerprint: string) => HeldAlert | null;
  readonly room: Room;
}

function withPosting(
  postings: readonly Posting[],
  own: Posting | undefined,
  { startsAtMs, endsAtMs, timesOut }: PostedAlert,
  sender: Sender,
): readonly Posting[] {
  const said = { startsAtMs, endsAtMs, timesOut };
  if (!own) return [...postings, { ...said, sender }];
  const merged = mergedPosting(own, said);
  return postings.map((posting) => (posting === own ? merged : posting));
}

function problemOf({ limits, held, heldBySender }: Room, postings: readonly Posting[]): string | null {
  const { maxAlertsPerSender, maxAlerts, maxSendersPerAlert } = limits;
  if (heldBySender >= maxAlertsPerSender)
    return `too many alerts of one sender fire (maxAlertsPerSender is ${maxAlertsPerSender})`;
  if (postings.length === 0 && held >= maxAlerts)
    return `too many posted alerts fire (maxAlerts is ${maxAlerts})`;
  return postings.length >= maxSendersPerAlert
    ? `too many senders post the same alert (maxSendersPerAlert is ${maxSendersPerAlert})`
    : null;
}

/** What a row says of it beside its postings, in short. */
export function textsOf(annotations: string, generatorUrl: string): string {
  return createHash('sha256').update(`${annotations}\n${generatorUrl}`).digest('base64');
}

/** The postings that have not ended yet, and when the last of the others has; null where none has. */
export function withoutExpired(
  postings: readonly Posting[],
  nowMs: number,
): { readonly live: readonly Posting[]; readonly endedAtMs: number | null } {
  const live = postings.filter(({ endsAtMs }) => endsAtMs > nowMs);
  if (live.length === postings.length) return { live: postings, endedAtMs: null };
  return { live, endedAtMs: postedUntilMs(postings.filter(({ endsAtMs }) => endsAtMs <= nowMs)) };
}
