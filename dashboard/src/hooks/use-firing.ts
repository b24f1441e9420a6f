import { useQuery, type UseQueryResult } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { firingAlertsQuery, overviewQuery } from '../api/queries.ts';
import { useServer } from '../api/server-context.tsx';
import type { Alert } from '../api/wire.ts';
import { atMostEvery } from '../domain/at-most-every.ts';
import { isOutdated } from '../domain/firing-shown.ts';

/** In a storm the count changes with each event, and each reading is of whole lists. */
const minReadingGapMs = 1000;

export interface Firing {
  /** The most urgent of those that fire. */
  readonly alerts: UseQueryResult<readonly Alert[]>;
  /** How many fire, as the headline says it; null before it is known. */
  readonly counted: number | null;
}

/** What fires, by the count that the whole page goes by; a list of another moment is read again. */
export function useFiring(rows: number): Firing {
  const { client } = useServer();
  const counted = useQuery(overviewQuery(client)).data?.alerts.firing ?? null;
  const alerts = useQuery(firingAlertsQuery(client, rows));
  const { refetch, isPlaceholderData, data } = alerts;
  const outdated =
    counted !== null && data !== undefined && !isPlaceholderData && isOutdated(counted, data, rows);
  const [readAgain] = useState(() => atMostEvery(minReadingGapMs));
  // Once for each count: where both go on to differ, the next reading of either is soon enough.
  useEffect(() => {
    if (!outdated) return undefined;
    // One that is under way may end, however often the count changes meanwhile.
    return readAgain(() => void refetch({ cancelRefetch: false }));
  }, [outdated, counted, refetch, readAgain]);
  return { alerts, counted };
}
