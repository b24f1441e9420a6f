import { ordersFor, whyNoRestart, type OrderedAgent } from '../domain/agent-orders.ts';
import { askedOf } from '../domain/palette.ts';
import { useMayHandle } from '../hooks/use-may-handle.ts';
import styles from './agent-orders.module.css';
import { ConfirmedRequest } from './confirmed-request.tsx';

/** What a person may do with an agent, and why not where that is so. */
export function AgentOrders({ agent }: { readonly agent: OrderedAgent }) {
  const mayHandle = useMayHandle();
  if (!mayHandle) {
    return <p className={styles.why}>An operator may restart, stop, drain or quarantine it; you may look.</p>;
  }
  const orders = ordersFor(agent);
  const refusals = orders.flatMap(({ label, refused }) => (refused === null ? [] : [`${label}: ${refused}`]));
  const told = [whyNoRestart(agent), ...refusals].filter((text) => text !== null);
  return (
    <div className={styles.orders} role="group" aria-label={`Orders to ${agent.agent_id}`}>
      {orders.map((asked) => {
        const { order, reason, isGrave = false } = askedOf(asked);
        const { label, refused } = asked;
        return (
          <ConfirmedRequest key={label} of={agent.agent_id} {...{ label, order, reason, isGrave, refused }} />
        );
      })}
      {told.length > 0 && <p className={styles.why}>{told.join(' ')}</p>}
    </div>
  );
}
