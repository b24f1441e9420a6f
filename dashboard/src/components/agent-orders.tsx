import { ordersFor, whyNoRestart, type OrderedAgent } from '../domain/agent-orders.ts';
import { useMayHandle } from '../hooks/use-may-handle.ts';
import styles from './agent-orders.module.css';
import { ConfirmedRequest } from './confirmed-request.tsx';

const CHANGED = ['agents', 'fleet', 'pools', 'overview', 'remediations', 'held', 'about'];

/** What a person may do with an agent, and why not where that is so. */
export function AgentOrders({ agent }: { readonly agent: OrderedAgent }) {
  const mayHandle = useMayHandle();
  if (!mayHandle) {
    return <p className={styles.why}>An operator may restart, stop or quarantine it; you may look.</p>;
  }
  const orders = ordersFor(agent);
  const refusals = orders.flatMap(({ label, refused }) => (refused === null ? [] : [`${label}: ${refused}`]));
  const told = [whyNoRestart(agent), ...refusals].filter((text) => text !== null);
  return (
    <div className={styles.orders} role="group" aria-label={`Orders to ${agent.agent_id}`}>
      {orders.map(({ label, effect, method, path, body, isGrave, refused }) => (
        <ConfirmedRequest
          key={label}
          of={agent.agent_id}
          order={{ effect, method, path, body, changes: CHANGED }}
          reason={body === null ? undefined : `${label.toLowerCase()} in mission control`}
          {...{ label, isGrave, refused }}
        />
      ))}
      {told.length > 0 && <p className={styles.why}>{told.join(' ')}</p>}
    </div>
  );
}
