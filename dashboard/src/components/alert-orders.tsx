import type { Alert } from '../api/wire.ts';
import { describeAlert } from '../domain/alert-text.ts';
import { useMayHandle } from '../hooks/use-may-handle.ts';
import styles from './agent-orders.module.css';
import { ConfirmedRequest } from './confirmed-request.tsx';
import { RequestButton } from './request-button.tsx';
import { SilenceButton } from './silence-button.tsx';

/** What a person may do with an alert that fires. */
export function AlertOrders({ alert }: { readonly alert: Alert }) {
  const mayHandle = useMayHandle();
  if (alert.state !== 'firing') return null;
  const { name } = describeAlert(alert);
  const seenBy = alert.acknowledged_by;
  const path = `/api/v1/alerts/${encodeURIComponent(alert.id)}`;
  const seen = seenBy === null ? 'Nobody has acknowledged it yet.' : `Acknowledged by ${seenBy}.`;
  return (
    <div className={styles.orders} role="group" aria-label={`Orders about ${name}`}>
      {mayHandle && seenBy === null && (
        <RequestButton
          size="xs"
          path={`${path}/acknowledge`}
          label="Acknowledge"
          describes={`Acknowledge ${name}`}
          changes={CHANGED}
          shortcut="a"
        />
      )}
      {mayHandle && <SilenceButton size="xs" of={name} subject={{ kind: 'alerts', alerts: [alert] }} />}
      {mayHandle && (
        <ConfirmedRequest
          label="Resolve"
          of={name}
          order={{ effect: RESOLVED, method: 'POST', path: `${path}/resolve`, body: {}, changes: CHANGED }}
          isGrave
        />
      )}
      <p className={styles.why}>
        {mayHandle ? seen : `${seen} An operator may acknowledge, silence or resolve it.`}
      </p>
    </div>
  );
}

const RESOLVED =
  'The alert ends now, by hand. It fires again only after its condition was false once: as long as the condition holds, nobody is told of it.';
const CHANGED = ['alerts', 'overview', 'remediations', 'agents'];
