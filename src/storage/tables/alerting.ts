export interface AlertingTables {}
