export { createFleet, type Fleet } from './fleet.ts';
export type { FleetOptions } from './fleet-parts.ts';
export { DEFAULT_FLEET_LIMITS, type FleetLimits } from './limits.ts';
export { type AgentRegistry } from './agents/agent-registry.ts';
export { type Heartbeat, type HeartbeatAck, type HeartbeatIntake } from './agents/heartbeat-intake.ts';
export { type AgentDirectory, type AgentRecord } from './agents/agent-directory.ts';
export { type DomainCell } from './agents/failure-domain.ts';
export { type AgentEntry } from './agents/agent-entry.ts';
export { type GenerationRow, type Registrant, type RegistrationRequest } from './agents/registration.ts';
export { type GenerationStore } from './agents/generation-store.ts';
export { type FinishedPlace } from './tasks/finished-tasks.ts';
export { type TaskQueue } from './tasks/task-queue.ts';
export { type ClaimRequest } from './tasks/claim-request.ts';
export { type TaskRow } from './tasks/task-row.ts';
export { type NewTask } from './tasks/task-intake.ts';
export { type Reach } from './reach.ts';
export { type LockRegistry } from './locks/lock-registry.ts';
export { type LockRow } from './locks/lock-decision.ts';
export { Pools } from './pools/pools.ts';
export type { Asked, PoolParts, WorkerConnection } from './pools/pool-parts.ts';
export type { PoolView, ReplicaView } from './pools/pool-view.ts';
export type { EndedUnit, Runtime, UnitExit } from './runtimes/runtime.ts';
export { ProcessRuntime } from './runtimes/process-runtime.ts';
export { findUnitGroups, removeEmptyGroups } from './runtimes/unit-groups.ts';
export {
  AgentOutput,
  type OutputCursor,
  type ReadGeneration,
  type ReadOutput,
} from './output/agent-output.ts';
export { RunCopies } from './output/run-copies.ts';
export { forgottenOutput } from './runtimes/forgotten-output.ts';
export { LogFiles, logLimitsOf, type ForgottenAmong } from './runtimes/log-files.ts';
export {
  confine,
  findProgram,
  notEnforced,
  thisMachine,
  type ConfiningMachine,
} from './runtimes/confinement.ts';
export { findProcess, unitIdOf, UNIT_VARIABLE, type UnitIdentity } from './runtimes/process-handle.ts';
export { createProcessSignals, membersOf, sightProcesses } from './runtimes/unit-tree.ts';
export { UnitStarter } from './runtimes/unit-starter.ts';
export { UnitReaper } from './runtimes/unit-reaper.ts';
export { TreeActivity } from './runtimes/tree-activity.ts';
export { createProcessTable, type ProcessTable } from './runtimes/process-table.ts';
export { readOrEmpty } from './runtimes/read-or-empty.ts';
export { confinementOf, resourceAttributes } from './pools/worker-environment.ts';
