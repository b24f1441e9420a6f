import type { Remediation } from '../api/wire.ts';
import { words } from '../domain/event-sentence.ts';
import { useMayHandle } from '../hooks/use-may-handle.ts';
import styles from './agent-orders.module.css';
import { ConfirmedRequest } from './confirmed-request.tsx';

const POST = {
  method: 'POST',
  body: {},
  changes: ['remediations', 'overview', 'agents', 'alerts'],
} as const;

/** What a person decides about a repair that waits for them; nothing where none does. */
export function RepairOrders({ repair }: { readonly repair: Remediation }) {
  const mayHandle = useMayHandle();
  if (repair.state !== 'awaiting_approval') return null;
  if (!mayHandle) return <p className={styles.why}>It waits for a yes or no of an operator.</p>;
  const { id, policy, target } = repair;
  const of = `${words(policy)} on ${target.id}`;
  const path = `/api/v1/watchdog/remediations/${encodeURIComponent(id)}`;
  return (
    <div className={styles.orders} role="group" aria-label={`Decision about ${of}`}>
      <ConfirmedRequest
        label="Approve"
        of={of}
        order={{
          effect: `The watchdog begins with the first step on ${target.kind} ${target.id}, as soon as its guards let it, and verifies what it brings.`,
          path: `${path}/approve`,
          ...POST,
        }}
      />
      <ConfirmedRequest
        label="Reject"
        of={of}
        order={{
          effect: `Nothing is done to ${target.kind} ${target.id}, and the repair ends as cancelled. Its alert goes on firing until somebody mends it.`,
          path: `${path}/reject`,
          ...POST,
        }}
        isGrave
      />
    </div>
  );
}
