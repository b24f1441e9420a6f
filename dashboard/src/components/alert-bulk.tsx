import { Button } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useServer } from '../api/server-context.tsx';
import type { Alert, AlertBulkAnswer } from '../api/wire.ts';
import { count, number } from '../domain/count.ts';
import { maxSilencedAlerts, subjectOfMany } from '../domain/new-silence.ts';
import styles from './alert-bulk.module.css';
import { ErrorText } from './error-text.tsx';
import { SilenceButton } from './silence-button.tsx';

/** What the server changes by one request. */
const MAX_AT_ONCE = 1_000;

const TOO_MANY = `At most ${maxSilencedAlerts} that have no label in common are silenced at once.`;
/** So many of what was refused are named. */
const MAX_NAMED = 3;

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
      const refused: AlertBulkAnswer['results'] = [];
      for (let at = 0; at < open.length; at += MAX_AT_ONCE) {
        const ids = open.slice(at, at + MAX_AT_ONCE).map(({ id }) => id);
        const order = { ids, action: 'acknowledge' };
        const { results } = await client.post<AlertBulkAnswer>('/api/v1/alerts/bulk', order);
        // What was over by then needs nobody any more.
        refused.push(...results.filter(({ error }) => error !== null && error !== 'alert_resolved'));
      }
      return refused;
    },
    onSuccess: (refused) => {
      if (refused.length === 0) onClear();
    },
    onSettled: () =>
      Promise.all(['alerts', 'overview'].map((key) => queries.invalidateQueries({ queryKey: [key] }))),
  });
  const selected = count(alerts.length, 'alert');
  const subject = subjectOfMany(alerts);
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
      <SilenceButton
        of={selected}
        subject={subject ?? { kind: 'matchers', matchers: [] }}
        refused={subject === null ? TOO_MANY : null}
        onDone={onClear}
      />
      <Button size="compact-xs" variant="subtle" onClick={onClear}>
        Select none
      </Button>
      {acknowledge.data !== undefined && acknowledge.data.length > MAX_NAMED && (
        <span className={styles.failed} role="alert">
          {count(acknowledge.data.length, 'alert')} refused, the first of them:
        </span>
      )}
      {acknowledge.data?.slice(0, MAX_NAMED).map(({ alert_id: id, message }) => (
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

export interface SelectAllProps {
  /** Those that are shown. */
  readonly alerts: readonly { readonly id: string }[];
  readonly onSelect: (ids: readonly string[]) => void;
}

/** Selects all alerts that are shown, where somebody would have to press often. */
export function SelectAll({ alerts, onSelect }: SelectAllProps) {
  if (alerts.length < 2) return null;
  return (
    <div className={styles.all}>
      <Button size="compact-xs" variant="subtle" onClick={() => onSelect(alerts.map(({ id }) => id))}>
        Select all {number(alerts.length)} shown
      </Button>
    </div>
  );
}
