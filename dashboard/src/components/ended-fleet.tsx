import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import { endedAgentsQuery, type EndedAgents } from '../api/fleet-query.ts';
import { useServer } from '../api/server-context.tsx';
import type { Agent, Pool } from '../api/wire.ts';
import { count } from '../domain/count.ts';
import { words } from '../domain/event-sentence.ts';
import { groupEnded } from '../domain/fleet-groups.ts';
import { usePageSize } from '../hooks/use-page-size.ts';
import styles from './ended-fleet.module.css';
import { More } from './more.tsx';
import { QueryView } from './query-view.tsx';

export interface EndedFleetProps {
  readonly pools: readonly Pool[];
  /** Agents that have not ended. */
  readonly present: readonly Agent[];
}

/** Pools and agents that have ended are of interest to few: a line with their number until somebody opens it. */
export function EndedFleet({ pools, present }: EndedFleetProps) {
  const { client } = useServer();
  const [isOpen, setIsOpen] = useState(false);
  const size = usePageSize(100);
  const query = useQuery(endedAgentsQuery(client, size.rows));
  const ended = useMemo(
    () => query.data && groupEnded(pools, present, query.data.agents),
    [pools, present, query.data],
  );
  if (ended === undefined || query.data === undefined) return null;
  if (ended.pools.length === 0 && query.data.agents.length === 0) return null;
  return (
    <details className={styles.ended} onToggle={({ currentTarget }) => setIsOpen(currentTarget.open)}>
      <summary>{summaryOf(ended.pools.length, query.data)}</summary>
      {isOpen && (
        <QueryView query={query} placeholderLines={2}>
          {({ agents, isWhole }) => (
            <>
              {ended.pools.map(({ poolId, agents: members }) => (
                <section key={poolId} aria-label={`Ended pool ${poolId}`}>
                  <h3 className={styles.pool}>
                    {poolId}{' '}
                    <span className={styles.count}>
                      {members.length === 0 ? 'no agent is wanted' : count(members.length, 'agent')}
                    </span>
                  </h3>
                  <Agents agents={members} />
                </section>
              ))}
              {ended.others.length > 0 && (
                <section aria-label="Of other pools">
                  {ended.pools.length > 0 && <h3 className={styles.pool}>Of other pools</h3>}
                  <Agents agents={ended.others} />
                </section>
              )}
              {!isWhole && (
                <More shown={agents.length} total={null} what="agents that have ended" onMore={size.more} />
              )}
            </>
          )}
        </QueryView>
      )}
    </details>
  );
}

/** `Ended: 2 pools, 14 agents` */
function summaryOf(pools: number, { agents, isWhole }: EndedAgents): string {
  const parts = [
    ...(pools === 0 ? [] : [count(pools, 'pool')]),
    ...(agents.length === 0 ? [] : [`${count(agents.length, 'agent')}${isWhole ? '' : ' and more'}`]),
  ];
  return `Ended: ${parts.join(', ')}`;
}

function Agents({ agents }: { readonly agents: readonly Agent[] }) {
  if (agents.length === 0) return null;
  return (
    <ul className={styles.agents}>
      {agents.map(({ agent_id: id, status_reason: reason }) => (
        <li key={id} title={words(reason)}>
          <Link to="/fleet/$agentId" params={{ agentId: id }}>
            {id}
          </Link>{' '}
          <span className={styles.reason}>{words(reason)}</span>
        </li>
      ))}
    </ul>
  );
}
