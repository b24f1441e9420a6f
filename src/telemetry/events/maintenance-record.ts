/** What may be under maintenance. A pool, and a host, contain their agents. */
export const MAINTENANCE_KINDS = ['pool', 'host', 'agent'] as const;
export type MaintenanceKind = (typeof MAINTENANCE_KINDS)[number];
