import type { SystemEvent } from '#api';

/** What the pages read from the server, as far as events change it. */
export type Resource = 'agents' | 'pools' | 'alerts' | 'remediations' | 'anomalies' | 'watchdog';

/** Which resources an event has changed. */
export function changedBy({ event_type: type }: Pick<SystemEvent, 'event_type'>): readonly Resource[] {
  if (type.startsWith('fleet.agent.')) return ['agents', 'pools'];
  if (type.startsWith('fleet.pool.')) return ['pools'];
  if (type.startsWith('fleet.task.')) return ['agents'];
  if (type.startsWith('monitor.alert.')) return ['alerts'];
  if (type.startsWith('monitor.anomaly.')) return ['anomalies'];
  if (type === 'watchdog.state.changed') return ['watchdog'];
  return type.startsWith('watchdog.') ? ['remediations', 'alerts'] : [];
}

/** The feed with one more event in front: no event twice, newest first, at most `maxEvents`. */
export function prependEvent<Event extends { readonly id: number }>(
  feed: readonly Event[],
  event: Event,
  maxEvents: number,
): readonly Event[] {
  if (feed.some(({ id }) => id === event.id)) return feed;
  return [event, ...feed].sort((a, b) => b.id - a.id).slice(0, maxEvents);
}
