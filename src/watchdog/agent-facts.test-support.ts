import type { AgentFacts } from './ports.ts';

/** What is known of an agent of a pool that has fallen silent. */
export const SILENT_AGENT: AgentFacts = {
  agentId: 'w-1',
  poolId: 'demo',
  host: 'here',
  managed: true,
  domains: ['pool:demo'],
  generation: 1,
  status: 'UNRESPONSIVE',
  statusReason: 'heartbeats_missed',
  leaves: false,
  drains: false,
  blamedTaskId: null,
  suspicionLeftMs: 0,
  silenceMs: 5000,
  workAfterBeatMs: null,
  heartbeatTtlMs: 3000,
  heartbeatIntervalMs: 1000,
  beatsForItself: true,
  saysUnwell: false,
};
