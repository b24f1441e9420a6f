import type { NotificationLog } from '../outbox/notification-log.ts';
import type { Dispatcher } from './dispatcher.ts';

/** What is known of alerts by their ids. */
export interface AlertKnowledge {
  readonly isOver: (alertId: string) => boolean;
  /** Whether one of these receivers has been told that it fires, and not that it is over. */
  readonly isTold: (alertId: string, receivers: readonly string[]) => boolean;
}

export function alertKnowledge({
  dispatcher,
  log,
}: {
  readonly dispatcher: Dispatcher;
  readonly log: NotificationLog;
}): AlertKnowledge {
  return {
    isOver: (alertId) => (dispatcher.membership.get(alertId)?.endsAtMs ?? null) !== null,
    isTold(alertId, receivers) {
      const fingerprint = dispatcher.membership.get(alertId)?.fingerprint;
      if (fingerprint === undefined) return false;
      for (const { id, route } of dispatcher.membership.groupsOf(alertId)) {
        if (receivers.includes(route.receiver) && log.wasTold(id, fingerprint)) return true;
      }
      return false;
    },
  };
}
