import { Button } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useServer } from '../api/server-context.tsx';
import type { Alert, AlertBulkAnswer } from '../api/wire.ts';
import { count } from '../domain/count.ts';
import { maxSilencedAlerts } from '../domain/new-silence.ts';
import styles from './alert-bulk.module.css';
import { ErrorText } from './error-text.tsx';
import { SilenceButton } from './silence-button.tsx';

/** What the server changes by one request. */
const MAX_AT_ONCE = 1_000;

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
      const ids = open.slice(0, MAX_AT_ONCE).map(({ id }) => id);
      const { results } = await client.post<AlertBulkAnswer>('/api/v1/alerts/bulk', {
        ids,
        action: 'acknowledge',
      });
      // What was over by then needs nobody any more.
      return results.filter(({ error }) => error !== null && error !== 'alert_resolved');
    },
    onSuccess: (refused) => {
      if (refused.length === 0) onClear();
    },
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
      {acknowledge.data?.map(({ alert_id: id, message }) => (
        <span key={id} className={styles.failed} role="alert">
          {id}: {message}
        </span>
      ))}
      {acknowledge.error !== null && (
        <span className={styles.failed} role="alert">
          <ErrorText error={acknowledge.error} />
        </span>
      )}
    </div>
  );
}
