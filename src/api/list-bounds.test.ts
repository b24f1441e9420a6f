import { afterEach, beforeEach, expect, test } from 'vitest';
import { nextTurn } from '#telemetry';
import { claimOf, registration, task } from '../fleet/fleet.test-support.ts';
import { openFleetApi, type FleetApi } from './fleet-api.test-support.ts';
import { FLEET_BOUNDS } from './tasks/fleet-bounds.ts';

let served: FleetApi;

beforeEach(async () => {
  served = await openFleetApi();
});
afterEach(() => served.close());

async function get(path: string) {
  const answer = await served.api.app.inject({ url: path, headers: served.api.as('admin') });
  expect(answer.statusCode).toBe(200);
  return answer;
}

/** How many turns of the event loop others get until a work is done. */
async function turnsDuring(work: Promise<unknown>): Promise<number> {
  const progress = { isOver: false, turns: 0 };
  const over = work.finally(() => {
    progress.isOver = true;
  });
  for (; !progress.isOver; progress.turns++) await nextTurn();
  await over;
  return progress.turns;
}

const LABELS = Object.fromEntries(
  Array.from({ length: 32 }, (_, at) => [`${at + 10}${'字'.repeat(254)}`, '字'.repeat(256)]),
);
const CAPABILITIES = Array.from({ length: 64 }, () => '字'.repeat(256));

async function addAgents(count: number): Promise<void> {
  const rows = Array.from({ length: count }, (_, at) => ({
    agent_id: `agent-${10_000 + at}`,
    agent_type: 'worker' as const,
    pool_id: null,
    phase_id: null,
    managed: 0,
    status: 'TERMINATED' as const,
    status_reason: 'left',
    status_since_ms: 1,
    self_degraded: 0,
    generation: 1,
    labels: JSON.stringify(LABELS),
    capabilities: JSON.stringify(CAPABILITIES),
    heartbeat_interval_ms: null,
    heartbeat_ttl_ms: null,
    start_within_ms: null,
    registered_at_ms: 1,
    registered_by: null,
  }));
  for (let at = 0; at < count; at += 50) {
    await served.database.transaction((tx) =>
      tx.db
        .insertInto('agents')
        .values(rows.slice(at, at + 50))
        .execute(),
    );
  }
}

test('a page of the most agents, with the most that each may say of itself, is written bit by bit', async () => {
  await addAgents(FLEET_BOUNDS.maxPageRows + 1);
  const asked = get(`/api/v1/fleet/agents?limit=${FLEET_BOUNDS.maxPageRows}`);
  // Two are as much as is written at a time.
  expect(await turnsDuring(asked)).toBeGreaterThanOrEqual(FLEET_BOUNDS.maxPageRows / 2);
  const { agents } = (await asked).json<{ agents: { agent_id: string; labels: object }[] }>();
  expect(agents.map(({ agent_id: id }) => id)).toEqual(
    Array.from({ length: FLEET_BOUNDS.maxPageRows }, (_, at) => `agent-${10_000 + at}`),
  );
  expect(agents.at(-1)?.labels).toEqual(LABELS);
}, 120_000);

test('a page of agents of one status is full as long as there are more of them', async () => {
  const { agents, tasks } = served.fleet;
  const ids = Array.from({ length: 40 }, (_, at) => `agent-${at + 10}`);
  for (const [at, id] of ids.entries()) {
    await agents.register(registration(id));
    if (at % 4 === 0) continue;
    await tasks.enqueue([task()], null);
    await tasks.claim(claimOf(id));
  }
  const pageOf = async (status: string, after?: string) => {
    const query = new URLSearchParams({ status, limit: '9', ...(after !== undefined && { after }) });
    const page = (await get(`/api/v1/fleet/agents?${query.toString()}`)).json<{
      agents: { agent_id: string }[];
    }>();
    return page.agents.map(({ agent_id: id }) => id);
  };
  for (const status of ['RUNNING', 'IDLE', 'STALLED']) {
    const listed: string[] = [];
    for (;;) {
      const page = await pageOf(status, listed.at(-1));
      listed.push(...page);
      if (page.length < 9) break;
    }
    expect(listed).toEqual(ids.filter((id) => agents.get(id)?.status === status));
  }
});

test('a page of tokens with the longest scopes is written bit by bit', async () => {
  const names = Array.from({ length: 1000 }, (_, at) => `${1000 + at}${'x'.repeat(196)}`);
  for (let at = 0; at < 40; at++) {
    await served.api.access.mintToken({
      name: `token ${at}`,
      role: 'agent',
      scope: { agentIds: names, poolId: null, enqueueFor: names },
      createdBy: 'test',
      expiresAtMs: null,
    });
  }
  const asked = get('/api/v1/tokens?limit=1000');
  expect(await turnsDuring(asked)).toBeGreaterThanOrEqual(40);
  const tokens = (await asked).json<{ scope: { enqueue_for: string[] } | null }[]>();
  expect(tokens).toHaveLength(45);
  const scopes = tokens.flatMap(({ scope }) => (scope && scope.enqueue_for.length > 0 ? [scope] : []));
  expect(scopes.map(({ enqueue_for: pools }) => pools.join())).toEqual(Array(40).fill(names.join()));
}, 60_000);
