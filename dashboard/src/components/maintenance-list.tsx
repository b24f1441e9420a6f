import { Button } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useServer } from '../api/server-context.tsx';
import type { Maintenance } from '../api/wire.ts';
import { formatDuration } from '../domain/age.ts';
import { useNow } from '../hooks/use-now.ts';
import styles from './maintenance-list.module.css';
import { ToneLabel } from './tone-dot.tsx';

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
  const { client } = useServer();
  const queries = useQueryClient();
  const { target, reason, started_by: by, until, id } = maintenance;
  const end = useMutation({
    mutationFn: () => client.delete(`/api/v1/watchdog/maintenance/${encodeURIComponent(id)}`),
    onSettled: () => queries.invalidateQueries({ queryKey: ['maintenances'] }),
  });
  return (
    <div className={styles.item}>
      <ToneLabel tone="caution">maintenance</ToneLabel>
      <span className={styles.text}>
        <b>
          {target.kind} {target.id}
        </b>{' '}
        is left alone by order of {by}: {reason}. Ends by itself in{' '}
        {formatDuration(Math.ceil((Date.parse(until) - nowMs) / 1000) * 1000)}.
      </span>
      {mayHandle && (
        <Button
          size="compact-xs"
          variant="default"
          loading={end.isPending}
          onClick={() => end.mutate()}
          aria-label={`End the maintenance of ${target.kind} ${target.id}`}
        >
          End now
        </Button>
      )}
      {end.error !== null && (
        <span className={styles.failed} role="alert">
          {end.error.message}
        </span>
      )}
    </div>
  );
}
