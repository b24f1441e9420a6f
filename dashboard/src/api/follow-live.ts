import type { SystemEvent } from '#api';
import type { QueryClient } from '@tanstack/react-query';
import { applyStatusChanges } from '../domain/whole-fleet.ts';
import { WHOLE_FLEET } from './fleet-query.ts';
import type { LiveListener } from './live.ts';
import { changedBy, prependEvents, type Resource } from './live-changes.ts';
import type { Agent } from './wire.ts';

/** Events that come within this are shown at once, and answered with one reading. */
const gatherMs = 150;
/** A reading that took long is followed by a rest of so many times as long, so that page and server stay quick. */
const restPerReading = 2;
/** And one that took no time by this: in an incident events never end, and many look at the same server. */
const minRestMs = 850;
const maxShownEvents = 200;

/**
 * Brings what events tell into what the pages have read: the feed at once, the rest by reading it again. One reading
 * follows the other: one that is under way is never cut off by the next event, however many come.
 */
export function followLive(
  queries: Pick<QueryClient, 'setQueryData' | 'invalidateQueries'>,
  nowMs: () => number = () => performance.now(),
): LiveListener {
  let events: SystemEvent[] = [];
  const changed = new Set<Resource>();
  let isGathering = false;
  let isReading = false;

  const show = (): void => {
    isGathering = false;
    const fresh = events;
    events = [];
    queries.setQueryData<readonly SystemEvent[]>(['events'], (feed) =>
      feed ? prependEvents(feed, fresh, maxShownEvents) : feed,
    );
    if (fresh.some(tellsStatus)) {
      queries.setQueryData<readonly Agent[]>(WHOLE_FLEET, (agents) =>
        agents ? applyStatusChanges(agents, fresh) : agents,
      );
    }
    if (!isReading) void readAgain();
  };

  const readAgain = async (): Promise<void> => {
    if (changed.size === 0) return;
    isReading = true;
    const resources = [...changed];
    changed.clear();
    const beganMs = nowMs();
    await Promise.all(resources.map((resource) => queries.invalidateQueries({ queryKey: [resource] })));
    setTimeout(
      () => {
        isReading = false;
        void readAgain();
      },
      Math.max((nowMs() - beganMs) * restPerReading, minRestMs),
    );
  };

  return {
    onEvent(event) {
      events.push(event);
      // In a tab that nobody looks at a browser may call only once a minute.
      if (events.length >= 2 * maxShownEvents) events = events.slice(-maxShownEvents);
      for (const resource of changedBy(event)) changed.add(resource);
      if (isGathering) return;
      isGathering = true;
      setTimeout(show, gatherMs);
    },
    onOpen() {
      // What happened between the first reading and now was told to nobody.
      void queries.invalidateQueries({ queryKey: ['events'] });
    },
    onBreak() {
      // Whether the server answers still, the first request tells.
      void queries.invalidateQueries({ queryKey: ['overview'] });
    },
    onReset() {
      void queries.invalidateQueries();
    },
  };
}

function tellsStatus({ event_type: type }: SystemEvent): boolean {
  return type === 'fleet.agent.status_changed';
}
