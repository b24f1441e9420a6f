import { describe, expect, test, vi } from 'vitest';
import { generationOrder, registration, useTestFleet } from '../fleet.test-support.ts';

const HOST = 'web-1';
const running = useTestFleet({ host: HOST });
const AGENTS = ['a', 'b', 'c', 'd'];
const sequences = new Map<string, number>();

async function start(host: string): Promise<void> {
  sequences.clear();
  for (const agentId of AGENTS) {
    await running.fleet.agents.register(registration(agentId, { labels: { host } }));
  }
}

/** Some beat every `everyMs` from now on, for a while. */
async function beating(agents: readonly string[], everyMs: number, times: number): Promise<void> {
  for (let time = 0; time < times; time++) {
    await running.clock.advance(everyMs);
    for (const agentId of agents) {
      const sequence = (sequences.get(agentId) ?? 0) + 1;
      sequences.set(agentId, sequence);
      const quiet = { degraded: false, reason: null, inFlight: 0, nonce: null };
      running.fleet.heartbeats.take({ agentId, generation: 1, sequence, ...quiet });
    }
  }
}

const missedOf = (agentId: string): number | undefined => running.fleet.agents.get(agentId)?.heartbeatsMissed;
const gauge = (): number | undefined =>
  running.metrics.collect().find(({ name }) => name === 'omoi_fleet_scheduling_delay_seconds')?.points[0]
    ?.value;

describe('agents of this host that come late together', () => {
  test('are given more time while it is so, and not for ever', async () => {
    await start(HOST);
    await beating(AGENTS, 1000, 3);
    expect([running.fleet.hostDelay(), gauge()]).toEqual([null, 0]);
    // Late by 1.9 s: two heartbeats were missed by the usual TTL of 3.5 s.
    await beating(AGENTS, 2900, 1);
    expect(running.fleet.hostDelay()).toEqual({ delayMs: 2000, usualTtlMs: 3500, ttlMs: 5500 });
    expect(gauge()).toBe(2);
    // The next delay of that length is expected.
    await running.clock.advance(1800);
    expect(AGENTS.map(missedOf)).toEqual([0, 0, 0, 0]);
    await beating(AGENTS, 1000, 1);
    await beating(AGENTS, 1000, 40);
    expect([running.fleet.hostDelay(), gauge()]).toEqual([null, 0]);
    await running.clock.advance(1800);
    expect(AGENTS.map(missedOf)).toEqual([1, 1, 1, 1]);
  });

  test('and then one that hangs is still noticed, by the longer TTL', async () => {
    await start(HOST);
    await beating(AGENTS, 1000, 3);
    await beating(AGENTS, 2900, 1);
    const rest = AGENTS.slice(1);
    await beating(rest, 1000, 5);
    expect(running.fleet.agents.get('a')?.status).not.toBe('UNRESPONSIVE');
    await beating(rest, 1000, 1);
    await vi.waitFor(() => expect(running.fleet.agents.get('a')?.status).toBe('UNRESPONSIVE'), 60_000);
    expect(rest.map((agentId) => running.fleet.agents.get(agentId)?.status)).toEqual([
      'IDLE',
      'IDLE',
      'IDLE',
    ]);
  });
});

test.each([
  ['one alone comes late', HOST, ['a']],
  ['they run elsewhere', 'web-2', AGENTS],
])('nobody is given more time where %s', async (_what, host, late) => {
  await start(host);
  await beating(AGENTS, 1000, 3);
  const punctual = AGENTS.filter((agentId) => !late.includes(agentId));
  await beating(punctual, 966, 2);
  await beating([...punctual, ...late], 968, 1);
  expect(running.fleet.hostDelay()).toBeNull();
  expect(running.fleet.agents.get('a')?.ttlMs).toBe(3500);
});

test('who only says that it runs here makes no TTL longer of an agent that Omoi has started', async () => {
  await start(HOST);
  const { fleet, database } = running;
  await database.transaction((tx) =>
    fleet.generations.openGeneration(tx, generationOrder('m', { nonce: 'nonce of m' })),
  );
  await fleet.agents.register(registration('m', { generation: 1, nonce: 'nonce of m' }));
  await beating([...AGENTS, 'm'], 1000, 3);
  await beating(['m'], 967, 2);
  await beating([...AGENTS, 'm'], 966, 1);
  expect(['a', 'm'].map((agentId) => fleet.agents.get(agentId)?.ttlMs)).toEqual([5500, 3500]);
});

test('those that always beat slower than their interval are not late, and are when they come later than that', async () => {
  await start(HOST);
  await beating(AGENTS, 1600, 20);
  expect([running.fleet.hostDelay(), running.fleet.agents.get('a')?.ttlMs]).toEqual([null, 3500]);
  await beating(AGENTS, 2900, 1);
  expect(running.fleet.hostDelay()).toEqual({ delayMs: 1400, usualTtlMs: 3500, ttlMs: 4900 });
});

test('agents of one token that come late on purpose hide none of another one', async () => {
  await start(HOST);
  const { agents } = running.fleet;
  const registeredBy = { tokenId: 'the token of a stranger', maxAgents: null };
  const strangers = Array.from({ length: 20 }, (_, at) => `stranger ${at}`);
  for (const agentId of strangers)
    await agents.register(registration(agentId, { labels: { host: HOST }, registeredBy }));
  await beating([...AGENTS, ...strangers], 1000, 3);
  await beating(AGENTS, 967, 2);
  await beating([...AGENTS, ...strangers], 966, 1);
  expect(['a', 'stranger 0'].map((agentId) => agents.get(agentId)?.ttlMs)).toEqual([3500, 5500]);
});

test('beats that were lost on their way are no delay of the host', async () => {
  await start(HOST);
  await beating(AGENTS, 1000, 3);
  for (const agentId of AGENTS) sequences.set(agentId, 5);
  await beating(AGENTS, 2900, 1);
  expect(running.fleet.hostDelay()).toBeNull();
});

test('a quarantined agent owes no beats: that it sends none is no event', async () => {
  const { agents } = running.fleet;
  await agents.register(registration('q'));
  await agents.quarantine({ agentId: 'q', reason: 'looks odd', traceparent: null });
  await running.clock.advance(10_000);
  expect(await running.events('fleet.agent.heartbeat_missed')).toEqual([]);
  await agents.release({ agentId: 'q', reason: 'is well', traceparent: null });
  await running.clock.advance(1300);
  await vi.waitFor(
    async () => expect(await running.events('fleet.agent.heartbeat_missed')).toHaveLength(1),
    60_000,
  );
});
