export type {
  Database,
  DatabaseTransaction,
  StateDatabase,
  StateTransaction,
  TelemetryDatabase,
  TelemetryTransaction,
  TransactionOptions,
} from './database.ts';
export { UnforeseenRows } from './database.ts';
export { withTransactions } from './database-view.ts';
export type { StateTables, TelemetryTables } from './tables.ts';
export {
  openTestStateDatabase,
  openTestTelemetryDatabase,
  setTestStateDatabases,
  writeTestStateDatabase,
} from './test-databases.ts';
export { migrate, type MigrateOptions, type MigrationHalf } from './migrate.ts';
export type { Migration } from './migration.ts';
export { MIGRATIONS } from './migrations/index.ts';
export {
  openStateDatabase,
  openTelemetryDatabase,
  type DirectoryOptions,
  type StateDatabaseOptions,
} from './open.ts';
export { backUpState } from './sqlite/state-backup.ts';
export { makeDirectory } from './make-directory.ts';
export { checkDataDirectory, makeDataDirectory } from './private-directory.ts';
export { deadlineOf, deadlineSet } from './deadline-columns.ts';
export { takeUpState } from './taken-up-state.ts';
export { Leadership } from './leadership.ts';
export type { ServerProcess, ServerProcesses } from './postgres/lease-holder.ts';
export { silencesKeepMs, stateRetention, telemetryRetention, type StateKeep } from './retention-rules.ts';
export { tellHeldTransactions } from './held-transactions.ts';
export { PreparedInsert } from './prepared-insert.ts';
export { SharedTransactions } from './shared-transactions.ts';
export { lockRows, type RowSet } from './row-locks.ts';
export { listInSlices, rowAt, type ListSlice } from './sliced-list.ts';
export { PreparedQuery } from './prepared-query.ts';
export { inBatches, Retention, retentionJobs, type RetentionJob, type RetentionRule } from './retention.ts';
