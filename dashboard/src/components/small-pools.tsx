import { Link } from '@tanstack/react-router';
import { useId } from 'react';
import type { Agent, Pool } from '../api/wire.ts';
import { count, number } from '../domain/count.ts';
import { countByStatus, type FleetGroup } from '../domain/fleet-groups.ts';
import { poolInShort } from '../domain/small-pools.ts';
import { usePageSize } from '../hooks/use-page-size.ts';
import { useView } from '../hooks/use-view.ts';
import { More } from './more.tsx';
import panel from './panel.module.css';
import heading from './pool-heading.module.css';
import styles from './small-pools.module.css';
import { ToneDot } from './tone-dot.tsx';

/** So many stand there at first. */
const firstPools = 60;

export interface SmallPoolsProps {
  readonly pools: readonly FleetGroup<Pool, Agent>[];
  /** Whether their number alone stands there until somebody opens it; the address says whether it is open. */
  readonly isFolded: boolean;
}

/** Many pools with which all is well, mostly small ones, each a line that leads to it. */
export function SmallPools({ pools, isFolded }: SmallPoolsProps) {
  const listId = useId();
  const { search, change } = useView();
  const agents = pools.flatMap((group) => group.agents);
  const isListed = !isFolded || search.well === 'listed';
  const title = `${number(pools.length)} ${isFolded ? 'more pools' : 'small pools'}`;
  return (
    <section className={styles.small} aria-label="Pools as wanted">
      <h3 className={heading.heading}>
        {isFolded ? (
          <button
            type="button"
            className={panel.fold}
            aria-expanded={isListed}
            aria-controls={isListed ? listId : undefined}
            onClick={() => change({ well: isListed ? undefined : 'listed' })}
          >
            {title}
          </button>
        ) : (
          title
        )}
        <span className={heading.facts}>
          all as wanted, {count(agents.length, 'agent')}
          {agents.length > 0 && `: ${countByStatus(agents)}`}
        </span>
      </h3>
      {isListed && <PoolLines id={listId} pools={pools} />}
    </section>
  );
}

function PoolLines({ id, pools }: Pick<SmallPoolsProps, 'pools'> & { readonly id: string }) {
  const { changed } = useView();
  const size = usePageSize(firstPools);
  const shown = pools.slice(0, size.rows);
  return (
    <div id={id}>
      <ul className={styles.pools}>
        {shown.map(({ poolId, agents: members }) => {
          const { tone, text } = poolInShort(members);
          return (
            <li key={poolId}>
              <Link
                className={styles.pool}
                data-row
                to="."
                search={changed({ pool: poolId ?? undefined })}
                resetScroll={false}
                title={members.map(({ agent_id: agentId }) => agentId).join(', ')}
              >
                <ToneDot tone={tone} />
                <span className={styles.name}>{poolId}</span> <span className={styles.state}>{text}</span>
              </Link>
            </li>
          );
        })}
      </ul>
      {pools.length > shown.length && (
        <More shown={shown.length} total={pools.length} what="pools as wanted" onMore={size.more} />
      )}
    </div>
  );
}
