export interface TsdbTables {}
