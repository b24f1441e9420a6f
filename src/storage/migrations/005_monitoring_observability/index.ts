import type { Migration, MigrationStep } from '../../migration.ts';
import { alerting } from './alerting.ts';
import { monitor } from './monitor.ts';
import { observability } from './observability.ts';
import { watchdog } from './watchdog.ts';

/** Each part keeps its own tables; the order is that of the data, and down runs it backwards. */
const STATE_STEPS: readonly MigrationStep[] = [monitor, alerting, watchdog];

const state: MigrationStep = {
  async up(db, dialect) {
    for (const step of STATE_STEPS) await step.up(db, dialect);
  },
  async down(db, dialect) {
    for (const step of STATE_STEPS.toReversed()) await step.down(db, dialect);
  },
};

export const monitoringObservability: Migration = {
  name: '005_monitoring_observability',
  state,
  telemetry: observability,
};
