import type { SystemEvent } from '#api';
import type { QueryClient } from '@tanstack/react-query';
import type { LiveListener } from './live.ts';
import { changedBy, prependEvents, type Resource } from './live-changes.ts';

/** Events that come within this are shown at once, and answered with one reading. */
const gatherMs = 150;
/** A reading that took long is followed by a rest of so many times as long, so that page and server stay quick. */
const restPerReading = 2;
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
      (nowMs() - beganMs) * restPerReading,
    );
  };

  return {
    onEvent(event) {
      events.push(event);
      for (const resource of changedBy(event)) changed.add(resource);
      if (isGathering) return;
      isGathering = true;
      setTimeout(show, gatherMs);
    },
    onReset() {
      void queries.invalidateQueries();
    },
  };
}
