import { describe, expect, it } from 'vitest';
import { ordersFor, whyNoRestart, type OrderedAgent } from './agent-orders.ts';

const AGENT: OrderedAgent = {
  agent_id: 'demo-1',
  status: 'RUNNING',
  generation: 3,
  managed: true,
  tasks_held: 2,
  desired: 'run',
};

describe('ordersFor', () => {
  it.each([
    { agent: {}, orders: ['Restart', 'Quarantine', 'Stop'], refused: [] },
    { agent: { status: 'QUARANTINED' }, orders: ['Restart', 'Release', 'Stop'], refused: ['Restart'] },
    {
      agent: { status: 'FAILED' },
      orders: ['Restart', 'Quarantine', 'Stop'],
      refused: ['Quarantine', 'Stop'],
    },
    { agent: { managed: false }, orders: ['Drain', 'Quarantine', 'Forget'], refused: [] },
    {
      agent: { managed: false, desired: 'drain' },
      orders: ['Drain', 'Quarantine', 'Forget'],
      refused: ['Drain'],
    },
    {
      agent: { managed: false, status: 'TERMINATED' },
      orders: ['Drain', 'Quarantine', 'Forget'],
      refused: ['Drain', 'Quarantine', 'Forget'],
    },
  ] as const)('offers $orders for $agent and refuses $refused', ({ agent, orders, refused }) => {
    const found = ordersFor({ ...AGENT, ...agent });
    expect(found.map(({ label }) => label)).toEqual(orders);
    expect(found.filter((order) => order.refused !== null).map(({ label }) => label)).toEqual(refused);
  });

  it.each([
    {
      agent: {},
      effect:
        'Generation 3 takes no new work, finishes the 2 tasks it holds, as far as its grace time allows, and ends; then generation 4 starts.',
    },
    {
      agent: { tasks_held: 0, status: 'IDLE' },
      effect: 'Generation 3 takes no new work and ends; then generation 4 starts.',
    },
    {
      agent: { status: 'STALLED', tasks_held: 1 },
      effect:
        'Generation 3 hangs: it is ended at once. The task it holds goes back into the queue. Then generation 4 starts.',
    },
    { agent: { status: 'FAILED', tasks_held: 0 }, effect: 'Generation 3 has ended; generation 4 starts.' },
  ] as const)('says of a restart of $agent: $effect', ({ agent, effect }) => {
    const [restart] = ordersFor({ ...AGENT, ...agent });
    expect(restart?.effect).toBe(effect);
  });

  it('asks an external agent to leave as the command line does, and says that nothing makes it', () => {
    const [drain] = ordersFor({ ...AGENT, managed: false });
    expect(drain).toMatchObject({
      method: 'POST',
      path: '/api/v1/fleet/agents/demo-1/drain',
      body: null,
      effect:
        'Its next heartbeat tells it to leave: it is given no more work, finishes the 2 tasks it holds, and ends by itself. Nothing ends it where it does not listen.',
    });
  });

  it('replaces the generation that was seen, by a path that is safe for any id', () => {
    const [restart] = ordersFor({ ...AGENT, agent_id: 'a b' });
    expect(restart).toMatchObject({
      path: '/api/v1/fleet/agents/a%20b/restart',
      body: { expected_generation: 3 },
    });
  });
});

describe('whyNoRestart', () => {
  it('is said of external agents alone', () => {
    expect(whyNoRestart(AGENT)).toBeNull();
    expect(whyNoRestart({ ...AGENT, managed: false })).toMatch(/^Somebody else started it/);
  });
});
