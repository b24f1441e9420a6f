export interface MonitorTables {}
