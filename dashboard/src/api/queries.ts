import type { SystemEvent } from '#api';
import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { gatherRows, type Reading } from '../domain/gather-rows.ts';
import {
  gridUntil,
  queueQueries,
  readQueueHistory,
  type MatrixSeries,
  type VectorSample,
} from '../domain/queue-history.ts';
import { QUEUE_RANGES, type QueueRange } from '../domain/search.ts';
import { agentFilters, alertFilters } from '../domain/urgent-first.ts';
import type { ApiClient } from './client.ts';
import { SHOWN_TYPES } from './live.ts';
import type {
  Agent,
  AgentsAnswer,
  Alert,
  AlertsAnswer,
  EventsAnswer,
  MaintenancesAnswer,
  Overview,
  Pool,
  PoolsAnswer,
  Remediation,
  RemediationsAnswer,
  Session,
  Task,
  TasksAnswer,
  Trace,
  TraceSummary,
  WatchdogState,
  Why,
} from './wire.ts';

/** What is read again by itself, although events tell of most changes: ages and tasks change without one. */
const fastMs = 2_000;
const slowMs = 15_000;
/** The server counts as gone where it has not said for so long how many of everything there are. */
const maxSilenceMs = 8_000;
/** What the server gives of a list at once. */
const maxPageRows = 1_000;

export const sessionQuery = (client: ApiClient) =>
  queryOptions<Session | null>({
    queryKey: ['session'],
    queryFn: () => client.readSession(),
    staleTime: Infinity,
  });

/** A server that hangs or cannot be reached any more gives no answer at all, for minutes. */
const readOverview = (client: ApiClient) =>
  client.get<Overview>('/api/v1/overview', AbortSignal.timeout(maxSilenceMs));

/** How many of everything there are: lists are read in part only. */
export const overviewQuery = (client: ApiClient) =>
  queryOptions({
    queryKey: ['overview'],
    queryFn: () => readOverview(client),
    refetchInterval: fastMs,
  });

/** The newest time of a sample that Omoi keeps of itself every 15 s, in the last hour; empty where there is none. */
const TELEMETRY_AGE = 'time() - max(max_over_time(timestamp(omoi_sample_clock_lead_seconds)[1h:15s]))';

/** How long ago Omoi kept its last sample of itself, s; null where it has kept none in the last hour. */
export const telemetryAgeQuery = (client: ApiClient) =>
  queryOptions({
    queryKey: ['telemetry-age'],
    queryFn: async () => {
      const path = `/prometheus/api/v1/query?${new URLSearchParams({ query: TELEMETRY_AGE })}`;
      const { data } = await client.get<{ data: { result: VectorSample[] } }>(path);
      const [sample] = data.result;
      return sample === undefined ? null : Number(sample.value[1]);
    },
    refetchInterval: slowMs,
  });

export interface FleetPage {
  /** Only agents of this pool; undefined: all. */
  readonly poolId: string | undefined;
  /** How many agents are read; where there are more, those in trouble are among them. */
  readonly rows: number;
}

export const fleetQuery = (client: ApiClient, { poolId, rows }: FleetPage) =>
  queryOptions({
    queryKey: ['agents', 'page', poolId ?? null, rows],
    queryFn: async () => {
      const { agents: counts } = await readOverview(client);
      const ofPool = poolId === undefined ? '' : `&pool_id=${encodeURIComponent(poolId)}`;
      const readings = agentFilters(counts.by_status, rows).map(
        (filter): Reading<Agent> =>
          async ({ limit, cursor }) => {
            const after = cursor === null ? '' : `&after=${encodeURIComponent(cursor)}`;
            const path = `/api/v1/fleet/agents?${filter}${ofPool}&limit=${limit}${after}`;
            const { agents } = await client.get<AgentsAnswer>(path);
            return {
              rows: agents,
              nextCursor: agents.length < limit ? null : (agents.at(-1)?.agent_id ?? null),
            };
          },
      );
      const limits = { limit: rows, maxPageRows, idOf: (agent: Agent) => agent.agent_id };
      const agents = await gatherRows(readings, limits);
      return {
        agents,
        isWhole: agents.length < rows,
      };
    },
    // Where more pages are read, less often.
    refetchInterval: fastMs * Math.ceil(rows / maxPageRows),
    placeholderData: keepPreviousData,
  });

/** How an agent stands and why, and what a person can do: all of one moment. */
export const whyQuery = (client: ApiClient, agentId: string) =>
  queryOptions({
    queryKey: ['agents', agentId],
    queryFn: () => client.get<Why>(`/api/v1/fleet/agents/${encodeURIComponent(agentId)}/why`),
    refetchInterval: fastMs,
  });

export const poolsQuery = (client: ApiClient) =>
  queryOptions({
    queryKey: ['pools'],
    queryFn: () => client.get<PoolsAnswer>('/api/v1/fleet/pools?limit=1000'),
    select: ({ pools }) => pools,
    refetchInterval: slowMs,
  });

/** The most urgent of the alerts that fire. */
export const firingAlertsQuery = (client: ApiClient, rows: number) =>
  queryOptions({
    queryKey: ['alerts', 'firing', rows],
    queryFn: async ({ client: queries }) => {
      const overview = await readOverview(client);
      // The page's counts are to be of the same moment.
      queries.setQueryData(overviewQuery(client).queryKey, overview);
      const readings = alertFilters(overview.alerts.by_severity).map(
        (filter): Reading<Alert> =>
          async ({ limit, cursor }) => {
            const from = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
            const answer = await client.get<AlertsAnswer>(`/api/v1/alerts?${filter}&limit=${limit}${from}`);
            return { rows: answer.alerts, nextCursor: answer.next_cursor };
          },
      );
      return gatherRows(readings, { limit: rows, maxPageRows, idOf: ({ id }) => id });
    },
    refetchInterval: slowMs,
    placeholderData: keepPreviousData,
  });

export const alertQuery = (client: ApiClient, alertId: string) =>
  queryOptions({
    queryKey: ['alerts', 'one', alertId],
    queryFn: () => client.get<Alert>(`/api/v1/alerts/${encodeURIComponent(alertId)}`),
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
    refetchInterval: slowMs,
  });

export const maintenancesQuery = (client: ApiClient) =>
  queryOptions({
    queryKey: ['maintenances'],
    queryFn: () => client.get<MaintenancesAnswer>('/api/v1/watchdog/maintenance'),
    select: ({ maintenances }) => maintenances,
    refetchInterval: slowMs,
  });

const URGENT_STATES = ['executing', 'verifying', 'awaiting_approval'] as const;
const remediationRows = 20;
/** What the server gives of remediations at once. */
const maxRemediationRows = 500;

/** What is under way and what a person must decide about; then the newest. */
export const remediationsQuery = (client: ApiClient) =>
  queryOptions({
    queryKey: ['remediations', 'newest'],
    queryFn: () => {
      const filters = [...URGENT_STATES.map((state) => `state=${state}&`), ''];
      const readings = filters.map((filter): Reading<Remediation> => async ({ limit }) => {
        const path = `/api/v1/watchdog/remediations?${filter}limit=${limit}`;
        return { rows: (await client.get<RemediationsAnswer>(path)).remediations, nextCursor: null };
      });
      return gatherRows(readings, { limit: remediationRows, maxPageRows, idOf: ({ id }) => id });
    },
    refetchInterval: slowMs,
  });

export const remediationQuery = (client: ApiClient, remediationId: string) =>
  queryOptions({
    queryKey: ['remediations', 'one', remediationId],
    queryFn: () =>
      client.get<Remediation>(`/api/v1/watchdog/remediations/${encodeURIComponent(remediationId)}`),
    refetchInterval: slowMs,
  });

/** The beginning of a list that may be longer. */
export interface FirstRows<Row> {
  readonly rows: readonly Row[];
  readonly isWhole: boolean;
}

/** One row more than is shown tells whether there are more. */
function firstRows<Row>(rows: readonly Row[], shown: number): FirstRows<Row> {
  return { rows: rows.slice(0, shown), isWhole: rows.length <= shown };
}

/** A pool whose new definition did not work, and how it stands with it. */
export interface StoppedRoll {
  readonly pool: Pool;
  readonly roll: NonNullable<Pool['roll']>;
}

/** Shares its answer with `poolsQuery`. */
export const stoppedRollsQuery = (client: ApiClient, rows: number) =>
  queryOptions({
    ...poolsQuery(client),
    select: ({ pools }): FirstRows<StoppedRoll> => {
      const stopped = pools.flatMap((pool) => (pool.roll?.stopped ? [{ pool, roll: pool.roll }] : []));
      return firstRows(stopped, rows);
    },
  });

/** What a person should know of what the watchdog does. @param filter of the list of remediations */
export const concernsQuery = (
  client: ApiClient,
  filter: 'state=awaiting_approval' | 'concern=given_up' | 'concern=relapsing',
  rows: number,
) =>
  queryOptions({
    queryKey: ['remediations', filter, rows],
    queryFn: async () => {
      const path = `/api/v1/watchdog/remediations?${filter}&limit=${Math.min(rows + 1, maxRemediationRows)}`;
      return firstRows((await client.get<RemediationsAnswer>(path)).remediations, rows);
    },
    refetchInterval: slowMs,
    placeholderData: keepPreviousData,
  });

export const taskQuery = (client: ApiClient, taskId: string) =>
  queryOptions({
    queryKey: ['tasks', taskId],
    queryFn: () => client.get<Task>(`/api/v1/fleet/tasks/${encodeURIComponent(taskId)}`),
    refetchInterval: fastMs,
  });

/** Tasks that wait for a person, the longest enqueued first. */
export const parkedTasksQuery = (client: ApiClient, rows: number) =>
  queryOptions({
    queryKey: ['parked', rows],
    queryFn: async () => {
      const path = `/api/v1/fleet/tasks?state=parked&limit=${Math.min(rows + 1, maxPageRows)}`;
      return firstRows((await client.get<TasksAnswer>(path)).tasks, rows);
    },
    refetchInterval: slowMs,
    placeholderData: keepPreviousData,
  });

/** More of what an agent holds than `whyQuery` has, the longest enqueued first. */
export const heldTasksQuery = (client: ApiClient, agentId: string, rows: number) =>
  queryOptions({
    queryKey: ['held', agentId, rows],
    queryFn: async () => {
      const holder = encodeURIComponent(agentId);
      const path = `/api/v1/fleet/tasks?state=claimed&agent_id=${holder}&limit=${Math.min(rows + 1, maxPageRows)}`;
      return firstRows((await client.get<TasksAnswer>(path)).tasks, rows);
    },
    refetchInterval: fastMs,
    placeholderData: keepPreviousData,
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

/**
 * Waiting tasks by phase. Read as a Prometheus would, so that the past is there from the first look.
 * @param leadSeconds how far samples are dated ahead of the wall clock
 */
export const queueHistoryQuery = (client: ApiClient, range: QueueRange, leadSeconds: number) =>
  queryOptions({
    queryKey: ['queue', range, Math.round(leadSeconds / 60)],
    queryFn: async () => {
      const grid = gridUntil(client.nowMs() / 1_000 + leadSeconds, QUEUE_RANGES[range]);
      const queries = queueQueries(grid);
      const asked = new URLSearchParams({
        query: queries.most,
        start: String(grid.start),
        end: String(grid.end),
        step: String(grid.step),
      });
      const [now, most] = await Promise.all([
        client.get<{ data: { result: VectorSample[] } }>(
          `/prometheus/api/v1/query?${new URLSearchParams({ query: queries.now })}`,
        ),
        client.get<{ data: { result: MatrixSeries[] } }>(`/prometheus/api/v1/query_range?${asked}`),
      ]);
      return readQueueHistory({ now: now.data.result, most: most.data.result }, grid);
    },
    refetchInterval: fastMs,
    placeholderData: keepPreviousData,
  });

/** Newest first. */
export const tracesQuery = (client: ApiClient, rows: number) =>
  queryOptions({
    queryKey: ['traces', 'newest', rows],
    queryFn: async () => {
      const limit = Math.min(rows + 1, maxPageRows);
      const path = `/api/v1/observability/traces?limit=${limit}`;
      return firstRows((await client.get<{ traces: readonly TraceSummary[] }>(path)).traces, rows);
    },
    refetchInterval: slowMs,
    placeholderData: keepPreviousData,
  });

export const traceQuery = (client: ApiClient, traceId: string) =>
  queryOptions({
    queryKey: ['traces', traceId],
    queryFn: () => client.get<Trace>(`/api/v1/observability/traces/${encodeURIComponent(traceId)}`),
    // A long one less often.
    refetchInterval: ({ state }) =>
      5_000 * Math.ceil(Math.max(1, state.data?.spans.length ?? 0) / maxPageRows),
  });
