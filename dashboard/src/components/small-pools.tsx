import { Link } from '@tanstack/react-router';
import type { Agent, Pool } from '../api/wire.ts';
import { count, number } from '../domain/count.ts';
import { countByStatus, type FleetGroup } from '../domain/fleet-groups.ts';
import { poolInShort } from '../domain/small-pools.ts';
import { usePageSize } from '../hooks/use-page-size.ts';
import { useView } from '../hooks/use-view.ts';
import { More } from './more.tsx';
import heading from './pool-heading.module.css';
import styles from './small-pools.module.css';
import { ToneDot } from './tone-dot.tsx';

/** So many stand there at first. */
const firstPools = 60;

/** Many small pools with which all is well, each a line that leads to it. */
export function SmallPools({ pools }: { readonly pools: readonly FleetGroup<Pool, Agent>[] }) {
  const { changed } = useView();
  const size = usePageSize(firstPools);
  const agents = pools.flatMap((group) => group.agents);
  const shown = pools.slice(0, size.rows);
  return (
    <section className={styles.small} aria-label="Small pools">
      <h3 className={heading.heading}>
        {number(pools.length)} small pools
        <span className={heading.facts}>
          all as wanted, {count(agents.length, 'agent')}
          {agents.length > 0 && `: ${countByStatus(agents)}`}
        </span>
      </h3>
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
                title={members.map(({ agent_id: id }) => id).join(', ')}
              >
                <ToneDot tone={tone} />
                <span className={styles.name}>{poolId}</span> <span className={styles.state}>{text}</span>
              </Link>
            </li>
          );
        })}
      </ul>
      {pools.length > shown.length && (
        <More shown={shown.length} total={pools.length} what="small pools" onMore={size.more} />
      )}
    </section>
  );
}
