import { useQuery } from '@tanstack/react-query';
import { concernsQuery, overviewQuery, telemetryAgeQuery, watchdogQuery } from '../api/queries.ts';
import { useServer } from '../api/server-context.tsx';
import { countFleet, describeSituation, type Headline } from '../domain/headline.ts';
import { warningsOfTasks } from '../domain/task-warnings.ts';
import { useLostSince } from './use-contact.ts';

/** As many as the list of what needs a person reads at first, so that both read once. */
const ESCALATED_ROWS = 5;
const TIME = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium', hourCycle: 'h23' });

/** How things stand, wherever one is; null before it is known. */
export function useHeadline(): Headline | null {
  const { client } = useServer();
  const lostSinceMs = useLostSince();
  const overview = useQuery(overviewQuery(client));
  const watchdog = useQuery(watchdogQuery(client));
  const escalated = useQuery(concernsQuery(client, 'concern=given_up', ESCALATED_ROWS));
  const telemetryAge = useQuery(telemetryAgeQuery(client));
  if (overview.data === undefined) return null;
  return describeSituation({
    lostSince: lostSinceMs === null ? null : TIME.format(lostSinceMs),
    counts: countFleet(overview.data),
    heldBy: watchdog.data?.states.map(({ state }) => state) ?? [],
    telemetryAgeSeconds: telemetryAge.data ?? null,
    hasUnserved: warningsOfTasks(overview.data.warnings ?? []).length > 0,
    escalated: {
      count: escalated.data?.rows.length ?? 0,
      isWhole: escalated.data?.isWhole ?? true,
    },
  });
}
