import type { LogUpdate, NotificationLog } from '../outbox/notification-log.ts';
import type { TrackedAlert } from './tracked-alert.ts';

/** As many as there may be at once. So many groups that a reload has taken away are remembered; of more the one that went first is forgotten. */
export const maxRetiredGroups = 50_000;

const NONE: ReadonlySet<string> = new Set();

/**
 * Groups that a reload has taken away, and of which somebody was told that alerts fire: as long as notification is not done with
 * these alerts the log knows what was told. Where another reload brings a group back it goes on where it was, and whoever was
 * told hears of the end. What was told stands in the log alone; here is which alerts it is about.
 */
export class RetiredGroups {
  /** By group, the fingerprints of its alerts by their ids. */
  readonly #groups = new Map<string, Map<string, string>>();
  readonly #byAlert = new Map<string, Set<string>>();

  get size(): number {
    return this.#groups.size;
  }

  has(groupId: string): boolean {
    return this.#groups.has(groupId);
  }

  /** Fingerprints of what is left of the alerts of a group. */
  fingerprintsOf(groupId: string): ReadonlySet<string> {
    return new Set(this.#groups.get(groupId)?.values());
  }

  /** The groups that have told of an alert. */
  of(alertId: string): ReadonlySet<string> {
    return this.#byAlert.get(alertId) ?? NONE;
  }

  /**
   * A group is no more; one that was remembered before tells of these alerts, too.
   * @param alerts those of which somebody knows, at least one
   * @returns the groups that are forgotten to make room
   */
  add(groupId: string, alerts: Iterable<Pick<TrackedAlert, 'alertId' | 'fingerprint'>>): readonly string[] {
    const known = this.#groups.get(groupId) ?? new Map<string, string>();
    this.#groups.set(groupId, known);
    for (const { alertId, fingerprint } of alerts) {
      known.set(alertId, fingerprint);
      const ofAlert = this.#byAlert.get(alertId);
      if (ofAlert) ofAlert.add(groupId);
      else this.#byAlert.set(alertId, new Set([groupId]));
    }
    const forgotten: string[] = [];
    for (const [oldest] of this.#groups) {
      if (this.#groups.size <= maxRetiredGroups) break;
      this.remove(oldest);
      forgotten.push(oldest);
    }
    return forgotten;
  }

  /** A group is there again, or nothing is left to remember of it. @returns whether it was remembered */
  remove(groupId: string): boolean {
    const alerts = this.#groups.get(groupId);
    if (!alerts) return false;
    this.#groups.delete(groupId);
    for (const alertId of alerts.keys()) this.#unlink(alertId, groupId);
    return true;
  }

  /** An alert has taken the place of another one of the same labels: to whoever was told it fires on. */
  replace({ alertId: olderId }: Pick<TrackedAlert, 'alertId'>, newer: TrackedAlert): void {
    for (const groupId of this.of(olderId)) {
      this.add(groupId, [newer]);
      this.#groups.get(groupId)?.delete(olderId);
      this.#unlink(olderId, groupId);
    }
  }

  /** Notification is done with an alert. @returns the groups that have told of it */
  alertGone(alertId: string): readonly string[] {
    const groupIds = [...this.of(alertId)];
    for (const groupId of groupIds) this.#groups.get(groupId)?.delete(alertId);
    this.#byAlert.delete(alertId);
    return groupIds;
  }

  /**
   * What the log is to know of groups of which alerts have gone, where it knows more.
   * @returns with those of which nobody knows anything that is left: they are forgotten
   */
  update(
    groupIds: readonly string[],
    log: Pick<NotificationLog, 'entriesOf'>,
  ): { readonly logs: readonly LogUpdate[]; readonly gone: readonly string[] } {
    const known = groupIds.filter((groupId) => this.has(groupId));
    const gone = known.filter((groupId) => !this.isKnown(groupId, log));
    for (const groupId of gone) this.remove(groupId);
    return { logs: known.flatMap((groupId) => this.leftOf(groupId, log)), gone };
  }

  /** Whether somebody knows anything of what is left of the alerts of a group. */
  isKnown(groupId: string, log: Pick<NotificationLog, 'entriesOf'>): boolean {
    const left = new Set(this.#groups.get(groupId)?.values());
    return log
      .entriesOf(groupId)
      .some(([, { firing, resolved }]) => !left.isDisjointFrom(firing) || !left.isDisjointFrom(resolved));
  }

  leftOf(groupId: string, log: Pick<NotificationLog, 'entriesOf'>): readonly LogUpdate[] {
    const alerts = this.#groups.get(groupId);
    if (!alerts) return [];
    const left = new Set(alerts.values());
    return log.entriesOf(groupId).flatMap(([integration, entry]) => {
      const firing = entry.firing.intersection(left);
      return firing.size === entry.firing.size ? [] : [{ groupId, integration, entry: { ...entry, firing } }];
    });
  }

  #unlink(alertId: string, groupId: string): void {
    const ofAlert = this.#byAlert.get(alertId);
    ofAlert?.delete(groupId);
    if (ofAlert?.size === 0) this.#byAlert.delete(alertId);
  }
}
