export interface WatchdogTables {}
