/** For so many notifications it is known who has got them already; what is older is forgotten. */
export const maxRememberedNotifications = 1_000;

/**
 * Who has got a mail that others could not be given yet: at the next try it goes to these others alone. Kept in memory: after a
 * restart the mail goes to all once more.
 */
export class DeliveredRecipients {
  readonly #byNotification = new Map<string, ReadonlySet<string>>();

  /** Those of the recipients who have not got the notification. */
  missing(notificationId: string, recipients: readonly string[]): readonly string[] {
    const delivered = this.#byNotification.get(notificationId);
    return delivered === undefined ? recipients : recipients.filter((recipient) => !delivered.has(recipient));
  }

  add(notificationId: string, recipients: readonly string[]): void {
    const delivered = new Set([...(this.#byNotification.get(notificationId) ?? []), ...recipients]);
    this.#byNotification.delete(notificationId);
    this.#byNotification.set(notificationId, delivered);
    if (this.#byNotification.size <= maxRememberedNotifications) return;
    const [oldest] = this.#byNotification.keys();
    if (oldest !== undefined) this.#byNotification.delete(oldest);
  }

  forget(notificationId: string): void {
    this.#byNotification.delete(notificationId);
  }
}
