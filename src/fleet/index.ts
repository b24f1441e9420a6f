export { createFleet, type Fleet, type FleetOptions } from './fleet.ts';
export { DEFAULT_FLEET_LIMITS, type FleetLimits } from './limits.ts';
export { type AgentRegistry, type Heartbeat, type HeartbeatAck } from './agent-registry.ts';
export { type AgentDirectory, type AgentRecord } from './agent-directory.ts';
export { type AgentEntry } from './agent-entry.ts';
export { type GenerationRow, type RegistrationRequest } from './registration.ts';
export { type GenerationLog } from './generation-log.ts';
export { type TaskQueue } from './task-queue.ts';
export { type ClaimRequest } from './task-claims.ts';
export { type TaskRow } from './task-row.ts';
export { type NewTask } from './task-intake.ts';
export { type LockBook } from './lock-book.ts';
export { type LockRow } from './lock-decision.ts';
export {
  Pools,
  type RestartOrder,
  type Restarted,
  type ScaleClaim,
  type ScaleResult,
} from './pools/pools.ts';
export type { PoolChange, PoolDefinition } from './pools/pool-definition.ts';
export type { Asked, PoolParts, WorkerConnection } from './pools/pool-parts.ts';
export type { PoolView } from './pools/pool-view.ts';
export type { ProcessExit, Runtime } from './runtimes/runtime.ts';
export { ProcessRuntime } from './runtimes/process-runtime.ts';
export { LogFiles } from './runtimes/log-files.ts';
export { createProcessTable, processTree, type ProcessTable } from './runtimes/process-table.ts';
export { resourceAttributes } from './pools/worker-environment.ts';
