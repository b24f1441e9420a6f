import { Link } from '@tanstack/react-router';
import type { Alert } from '../api/wire.ts';
import { formatAgo, formatElapsed } from '../domain/age.ts';
import { byUrgency, describeAlert } from '../domain/alert-text.ts';
import { severityTone } from '../domain/tone.ts';
import { useNow } from '../hooks/use-now.ts';
import styles from './link-rows.module.css';
import { ToneLabel } from './tone-dot.tsx';

/** Alerts in short, the most urgent first, each a way to its page. */
export function AlertLinks({ alerts }: { readonly alerts: readonly Alert[] }) {
  const nowMs = useNow();
  return (
    <ul className={styles.rows}>
      {alerts.toSorted(byUrgency).map((alert) => (
        <li key={alert.id} className={styles.row}>
          <Link to="/alerts/$alertId" params={{ alertId: alert.id }}>
            {describeAlert(alert).name}
          </Link>
          <ToneLabel tone={severityTone(alert.severity)}>{alert.severity}</ToneLabel>
          <span className={styles.number}>{sinceOf(alert, nowMs)}</span>
        </li>
      ))}
    </ul>
  );
}

function sinceOf({ fired_at: firedAt, resolved_at: resolvedAt }: Alert, nowMs: number): string {
  return resolvedAt === null
    ? `for ${formatElapsed(Date.parse(firedAt), nowMs)}`
    : `ended ${formatAgo(Date.parse(resolvedAt), nowMs)}`;
}
