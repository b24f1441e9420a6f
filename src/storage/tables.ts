import type { AccessTables } from './tables/access.ts';
import type { AlertingTables } from './tables/alerting.ts';
import type { BootTables } from './tables/boots.ts';
import type { EventTables } from './tables/events.ts';
import type { FleetTables } from './tables/fleet.ts';
import type { MonitorTables } from './tables/monitor.ts';
import type { NotificationTables } from './tables/notification.ts';
import type { ObservabilityTables } from './tables/observability.ts';
import type { PoolTables } from './tables/pools.ts';
import type { SilenceTables } from './tables/silences.ts';
import type { TsdbTables } from './tables/tsdb.ts';
import type { WatchdogTables } from './tables/watchdog.ts';

/** Everything that must never be lost; SQLite with full sync, or PostgreSQL. */
export interface StateTables
  extends
    BootTables,
    EventTables,
    FleetTables,
    PoolTables,
    MonitorTables,
    AlertingTables,
    NotificationTables,
    SilenceTables,
    WatchdogTables,
    AccessTables {}

/** What may go when the disk is full, oldest first; always local SQLite. */
export interface TelemetryTables extends TsdbTables, ObservabilityTables {}
