import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import type { MessageFilter } from '../domain/message-filter.ts';
import type { ApiClient } from './client.ts';
import type {
  ExplainAnswer,
  MessagesAnswer,
  OnCallAnswer,
  ReceiversAnswer,
  RoutesAnswer,
  RoutingTestAnswer,
  SilencePreview,
  SilencesAnswer,
} from './wire.ts';

const fastMs = 5_000;
const slowMs = 15_000;
/** What the server gives at once. */
const maxRows = 1_000;

/** What was decided about telling of an alert, and the messages that tell of it. */
export const explainQuery = (client: ApiClient, alertId: string) =>
  queryOptions({
    queryKey: ['notifications', 'explain', alertId],
    queryFn: () => client.get<ExplainAnswer>(`/api/v1/alerts/${encodeURIComponent(alertId)}/explain`),
    refetchInterval: fastMs,
  });

export interface MessagesReading {
  readonly messages: MessagesAnswer['messages'];
  readonly isWhole: boolean;
}

/** Messages to receivers, the newest first. */
export const messagesQuery = (client: ApiClient, filter: MessageFilter, rows: number) =>
  queryOptions({
    queryKey: ['notifications', 'list', filter, rows],
    queryFn: async (): Promise<MessagesReading> => {
      const asked = new URLSearchParams({ ...filter, limit: String(Math.min(rows, maxRows)) });
      const { messages, next_cursor: next } = await client.get<MessagesAnswer>(
        `/api/v1/alerts/notifications?${asked}`,
      );
      return { messages, isWhole: next === null };
    },
    refetchInterval: fastMs,
    placeholderData: keepPreviousData,
  });

export const receiversQuery = (client: ApiClient) =>
  queryOptions({
    queryKey: ['notifications', 'receivers'],
    queryFn: () => client.get<ReceiversAnswer>('/api/v1/alerts/receivers'),
    select: ({ receivers }) => receivers,
    refetchInterval: fastMs,
  });

/** The routing tree depth first. */
export const routesQuery = (client: ApiClient) =>
  queryOptions({
    queryKey: ['notifications', 'routes'],
    queryFn: () => client.get<RoutesAnswer>('/api/v1/alerts/routing'),
    select: ({ routes }) => routes,
    refetchInterval: slowMs,
  });

/** Where an alert with these labels would go. @param labels `team=web` */
export const routingTestQuery = (client: ApiClient, labels: readonly string[]) =>
  queryOptions({
    queryKey: ['notifications', 'routing-test', labels],
    queryFn: () => {
      const asked = new URLSearchParams(labels.map((label): [string, string] => ['label', label]));
      return client.get<RoutingTestAnswer>(`/api/v1/alerts/routing/test?${asked}`);
    },
    placeholderData: keepPreviousData,
    retry: false,
  });

/** Who is on call now, and next. */
export const onCallQuery = (client: ApiClient) =>
  queryOptions({
    queryKey: ['on-call'],
    queryFn: () => client.get<OnCallAnswer>('/api/v1/alerts/on-call'),
    refetchInterval: slowMs,
  });

export interface SilencesReading {
  readonly silences: SilencesAnswer['silences'];
  readonly isWhole: boolean;
}

export const silencesQuery = (
  client: ApiClient,
  state: 'live' | 'active' | 'pending' | 'expired',
  rows: number,
) =>
  queryOptions({
    queryKey: ['silences', state, rows],
    queryFn: async (): Promise<SilencesReading> => {
      const { silences, next_cursor: next } = await client.get<SilencesAnswer>(
        `/api/v1/alerts/silences?state=${state}&limit=${Math.min(rows, maxRows)}`,
      );
      return { silences, isWhole: next === null };
    },
    refetchInterval: slowMs,
    placeholderData: keepPreviousData,
  });

/** Which alerts that fire a silence of these matchers would be for. */
export const silencePreviewQuery = (client: ApiClient, matchers: readonly string[]) =>
  queryOptions({
    queryKey: ['silences', 'preview', matchers],
    queryFn: () => {
      const asked = new URLSearchParams(matchers.map((matcher): [string, string] => ['matcher', matcher]));
      return client.get<SilencePreview>(`/api/v1/alerts/silences/preview?${asked}`);
    },
    enabled: matchers.length > 0,
    refetchInterval: fastMs,
    placeholderData: keepPreviousData,
    retry: false,
  });
