export interface ObservabilityTables {}
