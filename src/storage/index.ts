export type {
  Database,
  DatabaseTransaction,
  StateDatabase,
  StateTransaction,
  TelemetryDatabase,
  TelemetryTransaction,
} from './database.ts';
export type { StateTables, TelemetryTables } from './tables.ts';
export { openTestStateDatabase, openTestTelemetryDatabase } from './test-databases.ts';
