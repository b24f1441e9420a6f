import type { SystemEvent } from '#api';
import type { QueryClient } from '@tanstack/react-query';
import type { LiveListener } from './live.ts';
import { changedBy, prependEvent, type Resource } from './live-changes.ts';

/** Events that come within this are answered with one reading. */
const gatherMs = 150;
const maxShownEvents = 200;

/** Brings what events tell into what the pages have read: the feed at once, the rest by reading it again. */
export function followLive(queries: QueryClient): LiveListener {
  const changed = new Set<Resource>();
  let gathering = false;

  const readAgain = (): void => {
    gathering = false;
    for (const resource of changed) void queries.invalidateQueries({ queryKey: [resource] });
    changed.clear();
  };

  return {
    onEvent(event) {
      queries.setQueryData<readonly SystemEvent[]>(['events'], (feed) =>
        feed ? prependEvent(feed, event, maxShownEvents) : feed,
      );
      for (const resource of changedBy(event)) changed.add(resource);
      if (gathering) return;
      gathering = true;
      setTimeout(readAgain, gatherMs);
    },
    onReset() {
      void queries.invalidateQueries();
    },
  };
}
