import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { gatherRows, type Reading } from '../domain/gather-rows.ts';
import type { RepairFilter } from '../domain/repair-filter.ts';
import { stateOf } from '../domain/repair-filter.ts';
import type { ApiClient } from './client.ts';
import type { Policy, PoliciesAnswer, Remediation, RemediationsAnswer } from './wire.ts';

const slowMs = 15_000;
/** What the server gives of them at once. */
const maxPageRows = 500;

/** What was done about an alert, newest first. */
export const repairsOfAlertQuery = (client: ApiClient, alertId: string) =>
  queryOptions({
    queryKey: ['remediations', 'of-alert', alertId],
    queryFn: async () => {
      const path = `/api/v1/watchdog/remediations?alert_id=${encodeURIComponent(alertId)}&limit=50`;
      return (await client.get<RemediationsAnswer>(path)).remediations;
    },
    refetchInterval: slowMs,
  });

/** An agent has seldom more than one policy that asks about it. */
const maxDecisions = 20;

/** The repairs of an agent that wait for a yes or no, the newest first. */
export const decisionsAboutQuery = (client: ApiClient, agentId: string) =>
  queryOptions({
    queryKey: ['remediations', 'decisions', agentId],
    queryFn: async () => {
      const asked = `state=awaiting_approval&target_id=${encodeURIComponent(agentId)}&limit=${maxDecisions}`;
      return (await client.get<RemediationsAnswer>(`/api/v1/watchdog/remediations?${asked}`)).remediations;
    },
    // A pool may be called as an agent is.
    select: (remediations) => remediations.filter(({ target }) => target.kind === 'agent'),
    refetchInterval: slowMs,
  });

export interface RepairRows {
  readonly repairs: readonly Remediation[];
  readonly isWhole: boolean;
}

/** Repairs that a filter chooses, newest first. */
export const repairsQuery = (client: ApiClient, filter: RepairFilter, rows: number) =>
  queryOptions({
    queryKey: ['remediations', 'filtered', filter, rows],
    queryFn: async (): Promise<RepairRows> => {
      const read: Reading<Remediation> = async ({ limit, cursor }) => {
        const asked = new URLSearchParams({ ...stateOf(filter), limit: String(limit) });
        if (filter.policy !== undefined) asked.set('policy', filter.policy);
        if (filter.target !== undefined) asked.set('target_id', filter.target);
        if (cursor !== null) asked.set('before', cursor);
        const { remediations } = await client.get<RemediationsAnswer>(
          `/api/v1/watchdog/remediations?${asked}`,
        );
        const last = remediations.at(-1);
        return { rows: remediations, nextCursor: remediations.length < limit || !last ? null : last.id };
      };
      const limits = { limit: rows + 1, maxPageRows, idOf: ({ id }: Remediation) => id };
      const found = await gatherRows([read], limits);
      return { repairs: found.slice(0, rows), isWhole: found.length <= rows };
    },
    refetchInterval: slowMs,
    placeholderData: keepPreviousData,
  });

/** The policies in force, in the order of their files. */
export const policiesQuery = (client: ApiClient) =>
  queryOptions({
    queryKey: ['policies'],
    queryFn: () => client.get<PoliciesAnswer>('/api/v1/watchdog/policies?limit=500'),
    select: ({ policies }): readonly Policy[] => policies,
    refetchInterval: 4 * slowMs,
  });
