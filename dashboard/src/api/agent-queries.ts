import type { SystemEvent } from '#api';
import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { maxReadChanges } from '../domain/activity-strip.ts';
import { gridUntil, type MatrixSeries } from '../domain/queue-history.ts';
import { QUEUE_RANGES, type QueueRange } from '../domain/search.ts';
import { readLines } from '../domain/time-series.ts';
import type { ApiClient } from './client.ts';

const chartMs = 5_000;
const eventsMs = 15_000;

export interface LinesAsked {
  /** What it shows: tells one chart’s answers from another’s. */
  readonly about: string;
  /** The query for a step, in seconds. */
  readonly query: (stepSeconds: number) => string;
  readonly range: QueueRange;
  /** How far samples are dated ahead of the wall clock. */
  readonly leadSeconds: number;
}

/** A PromQL query over a range that ends now. */
export const linesQuery = (client: ApiClient, { about, query, range, leadSeconds }: LinesAsked) =>
  queryOptions({
    queryKey: ['lines', about, range, Math.round(leadSeconds / 60)],
    queryFn: async () => {
      const grid = gridUntil(client.nowMs() / 1_000 + leadSeconds, QUEUE_RANGES[range]);
      const asked = new URLSearchParams({
        query: query(grid.step),
        start: String(grid.start),
        end: String(grid.end),
        step: String(grid.step),
      });
      const { data } = await client.get<{ data: { result: MatrixSeries[] } }>(
        `/prometheus/api/v1/query_range?${asked}`,
      );
      return readLines(data.result, grid);
    },
    refetchInterval: chartMs,
    placeholderData: keepPreviousData,
  });

/** What happened to one thing, newest first. @param types beginnings of event types, separated by commas */
export const eventsAboutQuery = (client: ApiClient, entityId: string, types: string) =>
  queryOptions({
    queryKey: ['about', entityId, types],
    queryFn: async () => {
      const path = `/api/v1/events?entity_id=${encodeURIComponent(entityId)}&types=${types}&limit=${maxReadChanges}`;
      return (await client.get<{ events: SystemEvent[] }>(path)).events;
    },
    refetchInterval: eventsMs,
    placeholderData: keepPreviousData,
  });
