export type { NotifiedAlert } from './notified-alert.ts';
export type { Message, NotificationReason } from './message.ts';
export type { NotificationConfiguration } from './configuration/notification-configuration.ts';
