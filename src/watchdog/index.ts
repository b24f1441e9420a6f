export { Watchdog, type WatchdogOptions } from './watchdog.ts';
export type {
  AgentFacts,
  AlertAuthority,
  SpokenFor,
  AlertReader,
  AlertFacts,
  DomainCell,
  FleetActuator,
  FleetHealth,
} from './ports.ts';
export type { RunningMaintenance } from './maintenance/maintenance-windows.ts';
export type { Outlook, Withheld } from './remediations/outlook.ts';
export type { Policy } from './policies/policy.ts';
export { PolicyRegistry } from './policies/policy-registry.ts';
export {
  RemediationArchive,
  type RemediationDetail,
  type RemediationQuery,
} from './remediations/remediation-archive.ts';
