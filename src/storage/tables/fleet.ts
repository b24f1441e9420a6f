export interface FleetTables {}
