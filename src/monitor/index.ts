export { createMonitor, type Monitor } from './monitor.ts';
export type { AnomalyRow } from './anomalies/anomaly-store.ts';
