import type { SystemEvent } from '#api';

/** What the pages read from the server, as far as events change it. */
export type Resource =
  | 'agents'
  | 'pools'
  | 'alerts'
  | 'timeline'
  | 'notifications'
  | 'silences'
  | 'on-call'
  | 'remediations'
  | 'anomalies'
  | 'watchdog'
  | 'maintenances'
  | 'overview'
  | 'parked';

/** What puts a task among those that wait for a person, or takes it from them. */
const PARKING: ReadonlySet<string> = new Set([
  'fleet.task.parked',
  'fleet.task.retried',
  'fleet.task.cancelled',
]);

/** Which resources an event has changed. */
export function changedBy({ event_type: type }: Pick<SystemEvent, 'event_type'>): readonly Resource[] {
  if (type.startsWith('fleet.agent.')) return ['agents', 'pools', 'overview'];
  if (type.startsWith('fleet.pool.')) return ['pools'];
  if (PARKING.has(type)) return ['agents', 'parked'];
  if (type.startsWith('fleet.task.')) return ['agents'];
  if (type.startsWith('monitor.alert.')) return ['alerts', 'timeline', 'notifications', 'overview'];
  if (type.startsWith('notification.silence.')) return ['silences', 'notifications'];
  if (type.startsWith('notification.on_call.')) return ['on-call'];
  if (type.startsWith('notification.')) return ['timeline', 'notifications'];
  if (type.startsWith('monitor.anomaly.')) return ['anomalies'];
  if (type.startsWith('watchdog.maintenance.')) return ['maintenances'];
  if (type === 'watchdog.state.changed' || type === 'watchdog.storm.changed') return ['watchdog'];
  return type.startsWith('watchdog.') ? ['remediations', 'alerts', 'timeline', 'overview'] : [];
}

/** The feed with more events in front: no event twice, newest first, at most `maxEvents`. */
export function prependEvents<Event extends { readonly id: number }>(
  feed: readonly Event[],
  events: readonly Event[],
  maxEvents: number,
): readonly Event[] {
  const known = new Set(feed.map(({ id }) => id));
  const fresh = events.filter(({ id }) => !known.has(id) && known.add(id));
  if (fresh.length === 0) return feed;
  return [...fresh, ...feed].toSorted((a, b) => b.id - a.id).slice(0, maxEvents);
}
