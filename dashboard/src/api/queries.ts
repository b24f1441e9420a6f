import type { SystemEvent } from '#api';
import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { gridUntil, readQueueHistory, type MatrixSeries } from '../domain/queue-history.ts';
import { QUEUE_RANGES, type QueueRange } from '../domain/search.ts';
import type { ApiClient } from './client.ts';
import { SHOWN_TYPES } from './live.ts';
import type {
  AgentDetails,
  AgentsAnswer,
  AlertsAnswer,
  EventsAnswer,
  PoolsAnswer,
  RemediationsAnswer,
  Session,
  TasksAnswer,
  Trace,
  WatchdogState,
} from './wire.ts';

/** What is read again by itself, although events tell of most changes: ages and tasks change without one. */
const fastMs = 2_000;
const slowMs = 15_000;

export const sessionQuery = (client: ApiClient) =>
  queryOptions<Session | null>({
    queryKey: ['session'],
    queryFn: () => client.readSession(),
    staleTime: Infinity,
  });

/** Agents and what they work on, read together so that one fits the other. */
export const fleetQuery = (client: ApiClient) =>
  queryOptions({
    queryKey: ['agents'],
    queryFn: async () => {
      const [{ agents }, { tasks }] = await Promise.all([
        client.get<AgentsAnswer>('/api/v1/fleet/agents?limit=1000'),
        client.get<TasksAnswer>('/api/v1/fleet/tasks?state=claimed&limit=1000'),
      ]);
      return { agents, taskOf: new Map(tasks.map((task) => [task.agent_id, task])) };
    },
    refetchInterval: fastMs,
  });

export const agentQuery = (client: ApiClient, agentId: string) =>
  queryOptions({
    queryKey: ['agents', agentId],
    queryFn: () => client.get<AgentDetails>(`/api/v1/fleet/agents/${encodeURIComponent(agentId)}`),
    refetchInterval: fastMs,
  });

export const poolsQuery = (client: ApiClient) =>
  queryOptions({
    queryKey: ['pools'],
    queryFn: () => client.get<PoolsAnswer>('/api/v1/fleet/pools?limit=1000'),
    select: ({ pools }) => pools,
    refetchInterval: slowMs,
  });

export const firingAlertsQuery = (client: ApiClient) =>
  queryOptions({
    queryKey: ['alerts', 'firing'],
    queryFn: () => client.get<AlertsAnswer>('/api/v1/alerts?state=firing&limit=200'),
    select: ({ alerts }) => alerts,
    refetchInterval: slowMs,
  });

export const resolvedAlertsQuery = (client: ApiClient) =>
  queryOptions({
    queryKey: ['alerts', 'resolved'],
    queryFn: () => client.get<AlertsAnswer>('/api/v1/alerts?state=resolved&limit=6'),
    select: ({ alerts }) => alerts,
    refetchInterval: slowMs,
  });

export const watchdogQuery = (client: ApiClient) =>
  queryOptions({
    queryKey: ['watchdog'],
    queryFn: () => client.get<WatchdogState>('/api/v1/watchdog/state'),
    select: ({ states }) => states,
    refetchInterval: slowMs,
  });

export const remediationsQuery = (client: ApiClient) =>
  queryOptions({
    queryKey: ['remediations'],
    queryFn: () => client.get<RemediationsAnswer>('/api/v1/watchdog/remediations?limit=20'),
    select: ({ remediations }) => remediations,
    refetchInterval: slowMs,
  });

/** Newest first; live events are put in front of it as they come. */
export const eventsQuery = (client: ApiClient) =>
  queryOptions({
    queryKey: ['events'],
    queryFn: async () => {
      const { events } = await client.get<{ events: SystemEvent[] }>(
        `/api/v1/events?limit=100&types=${SHOWN_TYPES}`,
      );
      return events satisfies EventsAnswer['events'];
    },
    staleTime: Infinity,
  });

/** Waiting tasks by phase. Read as a Prometheus would, so that the past is there from the first look. */
export const queueHistoryQuery = (client: ApiClient, range: QueueRange) =>
  queryOptions({
    queryKey: ['queue', range],
    queryFn: async () => {
      const grid = gridUntil(client.nowMs() / 1_000, QUEUE_RANGES[range]);
      const asked = new URLSearchParams({
        query: 'sum by (phase_id) (tasks_queued_total)',
        start: String(grid.start),
        end: String(grid.end),
        step: String(grid.step),
      });
      const { data } = await client.get<{ data: { result: MatrixSeries[] } }>(
        `/prometheus/api/v1/query_range?${asked}`,
      );
      return readQueueHistory(data.result, grid);
    },
    refetchInterval: fastMs,
    placeholderData: keepPreviousData,
  });

export const traceQuery = (client: ApiClient, traceId: string) =>
  queryOptions({
    queryKey: ['traces', traceId],
    queryFn: () => client.get<Trace>(`/api/v1/observability/traces/${encodeURIComponent(traceId)}`),
    refetchInterval: 5_000,
  });
