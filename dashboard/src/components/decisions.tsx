import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { decisionsAboutQuery } from '../api/repair-queries.ts';
import { useServer } from '../api/server-context.tsx';
import type { Remediation } from '../api/wire.ts';
import { formatElapsed } from '../domain/age.ts';
import { words } from '../domain/event-sentence.ts';
import { useNow } from '../hooks/use-now.ts';
import styles from '../pages/columns.module.css';
import { Panel } from './panel.tsx';
import { RepairOrders } from './repair-orders.tsx';
import { RepairStand } from './repair-stand.tsx';

/** The repairs of an agent that wait for a yes or no, where they are given; nothing where none does. */
export function Decisions({ agentId }: { readonly agentId: string }) {
  const { client } = useServer();
  const { data: waiting = [] } = useQuery(decisionsAboutQuery(client, agentId));
  if (waiting.length === 0) return null;
  return (
    <Panel title="Needs you">
      {waiting.map((repair) => (
        <Decision key={repair.id} repair={repair} />
      ))}
    </Panel>
  );
}

function Decision({ repair }: { readonly repair: Remediation }) {
  const nowMs = useNow();
  return (
    <>
      <p className={styles.summary}>
        <RepairStand repair={repair} />{' '}
        <Link to="/repairs/$remediationId" params={{ remediationId: repair.id }}>
          {words(repair.policy)}
        </Link>{' '}
        waits for a yes or no for {formatElapsed(Date.parse(repair.planned_at), nowMs)}.
      </p>
      <RepairOrders repair={repair} />
    </>
  );
}
