import type { NotificationReason } from '../message.ts';

/** What an integration was told of a group last. */
export interface LogEntry {
  /** Fingerprints of what it knows to fire. */
  readonly firing: ReadonlySet<string>;
  /** Of what it knows to be over. */
  readonly resolved: ReadonlySet<string>;
  /** Wall ms. */
  readonly notifiedAtMs: number;
}

/** What a pass lets through of a group. */
export interface PassedAlerts {
  readonly firing: ReadonlySet<string>;
  readonly resolved: ReadonlySet<string>;
  /** Of what is over and kept back for now: who was told that it fires hears of it later. */
  readonly heldBack: ReadonlySet<string>;
  /** Of what is over: what was kept back while it fired. */
  readonly silent: ReadonlySet<string>;
  /** Of what is over: that somebody was told of who was on call before. */
  readonly toldBefore: ReadonlySet<string>;
  /** Whether somebody has acknowledged every one that fires. */
  readonly allAcknowledged: boolean;
  /** Wall ms at which the last of the snoozes of what fires has ended; 0 where none was. */
  readonly snoozeEndedAtMs: number;
  /** Wall ms at which the last of those that flap, of what fires, has begun to; 0 where none does. */
  readonly flappingSinceMs: number;
}

/** Whether an alert that is over came and went without a word to an integration or to who was told in its place, and nothing kept it back. */
export function isBrief(
  entry: LogEntry | null,
  { silent, toldBefore }: Pick<PassedAlerts, 'silent' | 'toldBefore'>,
  fingerprint: string,
): boolean {
  if (silent.has(fingerprint) || toldBefore.has(fingerprint)) return false;
  return !entry?.firing.has(fingerprint) && !entry?.resolved.has(fingerprint);
}

export interface DedupOptions {
  readonly sendResolved: boolean;
  /** Whether a group is an incident to it: it has none to close of what others were told. */
  readonly opensIncidents: boolean;
  readonly repeatIntervalMs: number;
  readonly nowMs: number;
}

/**
 * Whether an integration has to hear of a group, and why. `send` is null where it does not; `acknowledged` where only a
 * repetition was due. `logs`: it is told nothing, but what it knows has changed.
 */
export type Dedup =
  | { readonly send: NotificationReason }
  | { readonly send: null; readonly why: 'unchanged' | 'acknowledged' | 'logs' | 'no_incident' };

/**
 * As Alertmanager decides it (notify, `DedupStage`), but that an alert which came and went between two passes is told of
 * (`brief`), and that a group whose alerts are all acknowledged is not repeated (of others a repetition leaves these out).
 */
export function dedup(entry: LogEntry | null, passed: PassedAlerts, options: DedupOptions): Dedup {
  const { firing, resolved, heldBack, toldBefore, allAcknowledged, snoozeEndedAtMs, flappingSinceMs } =
    passed;
  const { sendResolved, opensIncidents, repeatIntervalMs, nowMs } = options;
  const endOfOthers: Dedup = opensIncidents ? { send: null, why: 'no_incident' } : { send: 'all_resolved' };
  const hasBrief = [...resolved].some((one) => isBrief(entry, passed, one));
  if (entry === null) {
    if (firing.size > 0) return { send: flappingSinceMs > 0 ? 'flapping' : 'first_notification' };
    if (hasBrief) return { send: 'brief' };
    return sendResolved && toldBefore.size > 0 ? endOfOthers : { send: null, why: 'unchanged' };
  }
  // All that fires is kept back: it is neither over nor to be told of.
  if (firing.size === 0 && resolved.size === 0) return { send: null, why: 'unchanged' };
  if (firing.size > 0 && entry.notifiedAtMs < flappingSinceMs) return { send: 'flapping' };
  if (!firing.isSubsetOf(entry.firing)) return { send: 'new_alerts' };
  if (firing.size === 0 && !entry.firing.isSubsetOf(heldBack)) {
    if (sendResolved) return { send: 'all_resolved' };
    return hasBrief ? { send: 'brief' } : { send: null, why: 'logs' };
  }
  if (hasBrief) return { send: 'brief' };
  if (firing.size === 0) {
    const isNews = sendResolved && !toldBefore.isSubsetOf(entry.resolved);
    return isNews ? endOfOthers : { send: null, why: 'unchanged' };
  }
  if (sendResolved && !resolved.isSubsetOf(entry.resolved)) return { send: 'new_resolved' };
  if (entry.notifiedAtMs < snoozeEndedAtMs) return { send: 'snooze_ended' };
  // Where the wall clock was set back by more than that it may be time: once too often is better than hours too late.
  if (Math.abs(nowMs - entry.notifiedAtMs) <= repeatIntervalMs) return { send: null, why: 'unchanged' };
  return allAcknowledged ? { send: null, why: 'acknowledged' } : { send: 'repeat' };
}
