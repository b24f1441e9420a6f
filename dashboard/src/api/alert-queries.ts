import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { alertParams, type AlertSearch } from '../domain/alert-filter.ts';
import type { ApiClient } from './client.ts';
import type {
  ActiveAlertDetails,
  ActiveAlertsAnswer,
  Alert,
  AlertRuleAnswer,
  AlertsAnswer,
  CommentsAnswer,
  TimelineAnswer,
} from './wire.ts';

const slowMs = 15_000;
const pendingMs = 5_000;
/** What the server gives at once. */
const maxRows = 1_000;
/** Where few fit, of many that were looked at, the server answers with less than was asked for: so often it is asked on. */
const maxReads = 10;

/** The rule of an alert as it is loaded now, and the query of the value that it judges. */
export const alertRuleQuery = (client: ApiClient, alertId: string) =>
  queryOptions({
    queryKey: ['alert-rules', alertId],
    queryFn: () => client.get<AlertRuleAnswer>(`/api/v1/alerts/${encodeURIComponent(alertId)}/rule`),
    select: ({ rule }) => rule,
    // Rules change by a reload alone.
    staleTime: slowMs,
  });

/** What has happened around an alert, in order. */
export const timelineQuery = (client: ApiClient, alertId: string) =>
  queryOptions({
    queryKey: ['timeline', alertId],
    queryFn: async () => {
      const path = `/api/v1/alerts/${encodeURIComponent(alertId)}/timeline`;
      return client.get<TimelineAnswer>(path);
    },
    refetchInterval: slowMs,
  });

/** What people have said about an alert, in order; events of alerts have it read again. */
export const alertCommentsQuery = (client: ApiClient, alertId: string) =>
  queryOptions({
    queryKey: ['alerts', 'comments', alertId],
    queryFn: async () => {
      const path = `/api/v1/alerts/${encodeURIComponent(alertId)}/comments`;
      return (await client.get<CommentsAnswer>(path)).comments;
    },
    refetchInterval: slowMs,
  });

export interface PendingReading {
  readonly pending: ActiveAlertsAnswer['active'];
  readonly isWhole: boolean;
}

/** What will fire when its condition goes on to hold. */
export const pendingAlertsQuery = (client: ApiClient, rows: number) =>
  queryOptions({
    queryKey: ['alerts', 'pending', rows],
    queryFn: async (): Promise<PendingReading> => {
      const limit = Math.min(rows, maxRows);
      const { active, next_cursor: next } = await client.get<ActiveAlertsAnswer>(
        `/api/v1/alerts/active?state=pending&limit=${limit}`,
      );
      return { pending: active, isWhole: next === null };
    },
    refetchInterval: pendingMs,
    placeholderData: keepPreviousData,
  });

/** What is pending, with its rule; it fails with 404 as soon as its condition does not hold any more. */
export const pendingAlertQuery = (client: ApiClient, activeId: string) =>
  queryOptions({
    queryKey: ['alerts', 'pending-one', activeId],
    queryFn: () => client.get<ActiveAlertDetails>(`/api/v1/alerts/active/${encodeURIComponent(activeId)}`),
    refetchInterval: pendingMs / 2,
  });

export interface AlertsReading {
  readonly alerts: readonly Alert[];
  readonly isWhole: boolean;
}

/** Alerts of a choice, the newest first. */
export const chosenAlertsQuery = (client: ApiClient, search: AlertSearch, rows: number) =>
  queryOptions({
    queryKey: ['alerts', 'chosen', search, rows],
    queryFn: async (): Promise<AlertsReading> => {
      const asked = alertParams(search);
      const alerts: Alert[] = [];
      let cursor: string | null = null;
      for (let reads = 0; reads < maxReads && alerts.length < rows; reads++) {
        asked.set('limit', String(Math.min(rows - alerts.length, maxRows)));
        if (cursor !== null) asked.set('cursor', cursor);
        const answer: AlertsAnswer = await client.get(`/api/v1/alerts?${asked}`);
        alerts.push(...answer.alerts);
        cursor = answer.next_cursor;
        if (cursor === null) return { alerts, isWhole: true };
      }
      return { alerts, isWhole: false };
    },
    refetchInterval: slowMs,
    placeholderData: keepPreviousData,
    retry: false,
  });
