import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { registration, useTestFleet } from '../fleet/fleet.test-support.ts';
import { openTestPools } from '../fleet/pools/pools.test-support.ts';
import { MemoryMachine } from '../fleet/runtimes/memory-runtime.test-support.ts';
import type { Pools } from '#fleet';
import { createFleetActuator } from './fleet-actuator.ts';

describe('the health that storms are judged by', () => {
  const test = useTestFleet();
  let pools: Pools;
  beforeEach(() => {
    pools = openTestPools(test, { machine: new MemoryMachine() });
  });
  afterEach(() => pools.close());

  it('counts neither who is in quarantine nor who has ended on purpose, in each domain and the whole', async () => {
    const { agents } = test.fleet;
    for (const agentId of ['well', 'quarantined', 'left', 'failed'])
      await agents.register(
        registration(agentId, { poolId: 'laptops', labels: { host: 'h', provider: 'p' } }),
      );
    await agents.quarantine({ agentId: 'quarantined', reason: 'test', traceparent: null });
    const leaving = { generation: 1, reason: 'done', traceparent: null };
    await agents.deregister({ ...leaving, agentId: 'left', exit: null });
    await agents.deregister({
      ...leaving,
      agentId: 'failed',
      exit: { exitCode: 1, signal: null, asked: null, expect: 'once' },
    });
    const status = (agentId: string) => agents.get(agentId)?.status;
    expect(['quarantined', 'left', 'failed'].map(status)).toEqual(['QUARANTINED', 'TERMINATED', 'FAILED']);
    const fleet = createFleetActuator(test.fleet, pools, 'here');
    for (const domain of [undefined, 'external:laptops', 'host:h', 'provider:p'])
      expect(fleet.health(domain), domain).toEqual({ agents: 2, silent: 0 });
    expect(fleet.cells()).toMatchObject([{ agents: 2, silent: 0 }]);
    // Silence begins at a TTL of a worker.
    await test.clock.advance(5000);
    expect(fleet.health('external:laptops')).toEqual({ agents: 2, silent: 1 });
    expect(fleet.silentCells()).toMatchObject([{ agents: 2, silent: 1 }]);
  });
});
