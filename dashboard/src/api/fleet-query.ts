import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { gatherRows, type Reading } from '../domain/gather-rows.ts';
import type { ApiClient } from './client.ts';
import type { Agent, AgentsAnswer } from './wire.ts';

/** What the server gives of agents at once. */
const maxPageRows = 1_000;
/** Changes of status are told by events; ages and work are read again, of a large fleet less often. */
const perPageMs = 3_000;

/** What events change in place (`followLive`). */
export const WHOLE_FLEET = ['fleet'] as const;

/** Every agent that has not ended. */
export const wholeFleetQuery = (client: ApiClient) =>
  queryOptions({
    queryKey: WHOLE_FLEET,
    queryFn: async (): Promise<readonly Agent[]> => {
      const all: Agent[] = [];
      let after = '';
      for (;;) {
        const path = `/api/v1/fleet/agents?present=true&limit=${maxPageRows}${after}`;
        const { agents } = await client.get<AgentsAnswer>(path);
        all.push(...agents);
        const last = agents.at(-1);
        if (last === undefined || agents.length < maxPageRows) return all;
        after = `&after=${encodeURIComponent(last.agent_id)}`;
      }
    },
    refetchInterval: ({ state }) =>
      perPageMs * Math.max(1, Math.ceil((state.data?.length ?? 0) / maxPageRows)),
    // To compare thousands of agents field by field takes longer than to show them.
    structuralSharing: false,
  });

export interface EndedAgents {
  readonly agents: readonly Agent[];
  readonly isWhole: boolean;
}

/** Agents that have ended, by id, as many as are asked for. */
export const endedAgentsQuery = (client: ApiClient, rows: number) =>
  queryOptions({
    queryKey: ['agents', 'ended', rows],
    queryFn: async (): Promise<EndedAgents> => {
      const read: Reading<Agent> = async ({ limit, cursor }) => {
        const after = cursor === null ? '' : `&after=${encodeURIComponent(cursor)}`;
        const path = `/api/v1/fleet/agents?status=TERMINATED&limit=${limit}${after}`;
        const { agents } = await client.get<AgentsAnswer>(path);
        return {
          rows: agents,
          nextCursor: agents.length < limit ? null : (agents.at(-1)?.agent_id ?? null),
        };
      };
      const limits = { limit: rows + 1, maxPageRows, idOf: ({ agent_id: id }: Agent) => id };
      const agents = await gatherRows([read], limits);
      return { agents: agents.slice(0, rows), isWhole: agents.length <= rows };
    },
    staleTime: perPageMs,
    placeholderData: keepPreviousData,
  });
