import type { Maintenance } from '../api/wire.ts';
import { formatDuration } from '../domain/age.ts';
import { useNow } from '../hooks/use-now.ts';
import { Banner } from './banner.tsx';
import styles from './maintenance-list.module.css';
import { RequestButton } from './request-button.tsx';

export interface MaintenanceListProps {
  readonly maintenances: readonly Maintenance[];
  /** Whether whoever is logged in may end one. */
  readonly mayHandle: boolean;
}

/** What is left alone, by whom, why and for how long; nothing where nothing is. */
export function MaintenanceList({ maintenances, mayHandle }: MaintenanceListProps) {
  const nowMs = useNow();
  if (maintenances.length === 0) return null;
  return (
    <section aria-label="Under maintenance" className={styles.list}>
      {maintenances.map((maintenance) => (
        <MaintenanceItem key={maintenance.id} {...{ maintenance, mayHandle, nowMs }} />
      ))}
    </section>
  );
}

interface MaintenanceItemProps {
  readonly maintenance: Maintenance;
  readonly mayHandle: boolean;
  readonly nowMs: number;
}

function MaintenanceItem({ maintenance, mayHandle, nowMs }: MaintenanceItemProps) {
  const { target, reason, started_by: by, until, id } = maintenance;
  const name = `${target.kind} ${target.id}`;
  return (
    <Banner
      label="maintenance"
      name={`maintenance of ${name}`}
      button={
        mayHandle && (
          <RequestButton
            method="DELETE"
            path={`/api/v1/watchdog/maintenance/${encodeURIComponent(id)}`}
            label="End"
            describes={`End the maintenance of ${name}`}
            changes={['maintenances']}
          />
        )
      }
    >
      <b>{name}</b> is left alone by order of {by}: {reason}. Ends by itself in{' '}
      {formatDuration(Math.ceil((Date.parse(until) - nowMs) / 1000) * 1000)}.
    </Banner>
  );
}
