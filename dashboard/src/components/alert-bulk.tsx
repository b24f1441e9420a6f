import { Button } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useServer } from '../api/server-context.tsx';
import type { Alert } from '../api/wire.ts';
import { count } from '../domain/count.ts';
import { maxSilencedAlerts } from '../domain/new-silence.ts';
import styles from './alert-bulk.module.css';
import { ErrorText } from './error-text.tsx';
import { SilenceButton } from './silence-button.tsx';

/** So many alerts are acknowledged at the same time. */
const MAX_REQUESTS = 4;

export interface AlertBulkProps {
  /** Those that are selected. */
  readonly alerts: readonly Alert[];
  readonly onClear: () => void;
}

/** What can be done with all alerts that are selected. */
export function AlertBulk({ alerts, onClear }: AlertBulkProps) {
  const { client } = useServer();
  const queries = useQueryClient();
  const open = alerts.filter(({ state, acknowledged_by: by }) => state === 'firing' && by === null);
  const acknowledge = useMutation({
    mutationFn: async () => {
      const waiting = open.map(({ id }) => id);
      const work = async (): Promise<void> => {
        for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) {
          await client.post(`/api/v1/alerts/${encodeURIComponent(id)}/acknowledge`, {});
        }
      };
      await Promise.all(Array.from({ length: MAX_REQUESTS }, work));
    },
    onSuccess: onClear,
    onSettled: () =>
      Promise.all(['alerts', 'overview'].map((key) => queries.invalidateQueries({ queryKey: [key] }))),
  });
  const selected = count(alerts.length, 'alert');
  const tooMany =
    alerts.length > maxSilencedAlerts ? `At most ${maxSilencedAlerts} are silenced at once.` : null;
  return (
    <div className={styles.bulk} role="group" aria-label="Selected alerts">
      <span className={styles.count} role="status">
        {selected} selected
      </span>
      <Button
        size="compact-xs"
        variant="default"
        data-key="a"
        disabled={open.length === 0}
        loading={acknowledge.isPending}
        aria-label={`Acknowledge ${selected}`}
        onClick={() => acknowledge.mutate()}
      >
        Acknowledge
      </Button>
      <SilenceButton of={selected} subject={{ kind: 'alerts', alerts }} refused={tooMany} onDone={onClear} />
      <Button size="compact-xs" variant="subtle" onClick={onClear}>
        Select none
      </Button>
      {acknowledge.error !== null && (
        <span className={styles.failed} role="alert">
          <ErrorText error={acknowledge.error} />
        </span>
      )}
    </div>
  );
}
