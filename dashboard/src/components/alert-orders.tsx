import { useQuery } from '@tanstack/react-query';
import { onCallQuery } from '../api/notification-queries.ts';
import { sessionQuery } from '../api/queries.ts';
import { useServer } from '../api/server-context.tsx';
import type { Alert } from '../api/wire.ts';
import { ACKNOWLEDGE, assignOrder, SNOOZE } from '../domain/alert-orders.ts';
import { describeAlert } from '../domain/alert-text.ts';
import { useMayHandle } from '../hooks/use-may-handle.ts';
import styles from './agent-orders.module.css';
import { ConfirmedRequest } from './confirmed-request.tsx';
import { OrderButton } from './order-button.tsx';
import { SilenceButton } from './silence-button.tsx';

/** What a person may do with an alert that fires. */
export function AlertOrders({ alert }: { readonly alert: Alert }) {
  const mayHandle = useMayHandle();
  if (alert.state !== 'firing') return null;
  const { name } = describeAlert(alert);
  const seenBy = alert.acknowledged_by;
  const seen = seenBy === null ? 'Nobody has acknowledged it yet.' : `Acknowledged by ${seenBy}.`;
  return (
    <div className={styles.orders} role="group" aria-label={`Orders about ${name}`}>
      {mayHandle && <Orders alert={alert} name={name} />}
      <p className={styles.why}>
        {mayHandle ? seen : `${seen} An operator may acknowledge, snooze, assign, silence or resolve it.`}
      </p>
    </div>
  );
}

function Orders({ alert, name }: { readonly alert: Alert; readonly name: string }) {
  const { client } = useServer();
  const { data: session } = useQuery(sessionQuery(client));
  const { data: onCall } = useQuery(onCallQuery(client));
  const path = `/api/v1/alerts/${encodeURIComponent(alert.id)}`;
  const about = { of: name, path, changes: CHANGED };
  const assign = assignOrder(session?.principal.name ?? '', onCall?.people ?? []);
  return (
    <>
      <OrderButton {...about} order={ACKNOWLEDGE} shortcut="a" overtaken={overtakenBy(alert)} />
      <OrderButton {...about} order={SNOOZE} />
      {alert.snoozed_until !== null && (
        <ConfirmedRequest
          label="Unsnooze"
          of={name}
          order={{ effect: UNSNOOZED, method: 'POST', path: `${path}/unsnooze`, body: {}, changes: CHANGED }}
        />
      )}
      <OrderButton {...about} order={assign} />
      {alert.assigned_to !== null && (
        <ConfirmedRequest
          label="Unassign"
          of={name}
          order={{
            effect: `${alert.assigned_to} no longer looks after it, and nobody else does.`,
            method: 'POST',
            path: `${path}/assign`,
            body: { assigned_to: null },
            changes: CHANGED,
          }}
        />
      )}
      <SilenceButton size="xs" of={name} subject={{ kind: 'alerts', alerts: [alert] }} />
      <ConfirmedRequest
        label="Resolve"
        of={name}
        order={{ effect: RESOLVED, method: 'POST', path: `${path}/resolve`, body: {}, changes: CHANGED }}
        isGrave
      />
    </>
  );
}

function overtakenBy({ acknowledged_by: by }: Alert): string | null {
  return by === null
    ? null
    : `${by} has acknowledged it meanwhile. What you know can stand among its comments.`;
}

const UNSNOOZED = 'Its receivers are told at once that it fires, also those who knew it before.';
const RESOLVED =
  'The alert ends now, by hand. It fires again only after its condition was false once: as long as the condition holds, nobody is told of it.';
const CHANGED = ['alerts', 'overview', 'remediations', 'agents', 'timeline', 'notifications'];
