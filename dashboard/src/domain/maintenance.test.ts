import { describe, expect, it } from 'vitest';
import { maintenanceOfAgent, maintenanceOfPool, type MaintenanceFacts } from './maintenance.ts';

const until = (minute: number) => new Date(minute * 60_000).toISOString();
const MAINTENANCES: readonly MaintenanceFacts[] = [
  { target: { kind: 'pool', id: 'demo' }, until: until(5) },
  { target: { kind: 'agent', id: 'demo-1' }, until: until(5) },
  { target: { kind: 'host', id: 'db' }, until: until(9) },
  { target: { kind: 'agent', id: 'db' }, until: until(1) },
];

describe('who is under maintenance', () => {
  it('is a pool that is named', () => {
    expect(maintenanceOfPool('demo', MAINTENANCES)?.target.kind).toBe('pool');
    expect(maintenanceOfPool('db', MAINTENANCES)).toBeNull();
  });

  it.each([
    ['demo-1', {}, 'agent'],
    ['demo-1', { host: 'db' }, 'host'],
    ['demo-2', {}, undefined],
    ['demo-2', { host: 'db' }, 'host'],
    ['demo', { host: 'demo' }, undefined],
  ])('is the agent %s %o by the one that lasts longest', (agentId, labels, kind) => {
    expect(maintenanceOfAgent({ agent_id: agentId, labels }, MAINTENANCES)?.target.kind).toBe(kind);
  });
});
