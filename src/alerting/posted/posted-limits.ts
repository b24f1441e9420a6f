/** What may be posted, and how much of it. */
export interface PostedLimits {
  /** Alerts that one sender says fire. All who send without a token are one sender. */
  readonly maxAlertsPerSender: number;
  /** Alerts that somebody says fire. */
  readonly maxAlerts: number;
  /** Senders that say so of one alert. */
  readonly maxSendersPerAlert: number;
  readonly maxLabels: number;
  /** Labels and annotations of one alert, as they are stored. */
  readonly maxAlertBytes: number;
}

export const DEFAULT_POSTED_LIMITS: PostedLimits = {
  maxAlertsPerSender: 10_000,
  maxAlerts: 50_000,
  maxSendersPerAlert: 16,
  maxLabels: 64,
  maxAlertBytes: 32_768,
};
