import { describe, expect, it } from 'vitest';
import { VirtualClock, type OmoiError } from '#telemetry';
import { RecordingFleet } from '../recording-fleet.test-support.ts';
import { resolveMaintenanceTarget } from './maintenance-target.ts';

describe('what a person names', () => {
  const fleet = new RecordingFleet(new VirtualClock());
  fleet.pools.set('demo', 'PHASE_TESTING');
  fleet.pools.set('db', 'PHASE_TESTING');
  fleet.addAgent('demo-1', { host: 'db' });
  fleet.addAgent('pool:odd', { host: 'away' });

  it.each([
    ['demo', 'pool:demo'],
    ['demo-1', 'agent:demo-1'],
    ['away', 'host:away'],
    ['pool:db', 'pool:db'],
    ['host:db', 'host:db'],
    ['pool:odd', 'agent:pool:odd'],
    ['agent:pool:odd', 'agent:pool:odd'],
    ['db', '"db" is ambiguous: write pool:db or host:db'],
    ['host:demo', 'There is no pool, host or agent "host:demo"'],
    ['nobody', 'There is no pool, host or agent "nobody"'],
  ])('%s is %s', (text, meant) => {
    const resolved = (): string => {
      try {
        const { kind, id } = resolveMaintenanceTarget(text, fleet);
        return `${kind}:${id}`;
      } catch (thrown) {
        return (thrown as OmoiError).message;
      }
    };
    expect(resolved()).toContain(meant);
  });
});
