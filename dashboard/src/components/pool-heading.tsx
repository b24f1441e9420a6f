import { Link } from '@tanstack/react-router';
import type { Agent, Maintenance, Pool } from '../api/wire.ts';
import { count, number } from '../domain/count.ts';
import { countAlive, type FleetGroup } from '../domain/fleet-groups.ts';
import { maintenanceOfPool } from '../domain/maintenance.ts';
import { useView } from '../hooks/use-view.ts';
import styles from './pool-heading.module.css';
import { ToneLabel } from './tone-dot.tsx';

export interface PoolHeadingProps {
  readonly group: FleetGroup<Pool, Agent>;
  /** Whether all its agents are known. */
  readonly isWhole: boolean;
  readonly maintenances: readonly Maintenance[];
}

/** The name of a pool, and how it stands with it. */
export function PoolHeading({ group, isWhole, maintenances }: PoolHeadingProps) {
  const { changed } = useView();
  const { pool, poolId } = group;
  const maintenance = poolId === null ? null : maintenanceOfPool(poolId, maintenances);
  return (
    <h3 className={styles.heading}>
      {poolId === null ? (
        'Without a pool'
      ) : (
        <Link className={styles.poolLink} to="." search={changed({ pool: poolId })} resetScroll={false}>
          {poolId}
        </Link>
      )}
      <span className={styles.facts}>
        {factOf(group, isWhole)}
        {pool !== null && pool.effective !== pool.desired && (
          <span className={styles.claim}>
            {pool.effective > pool.desired ? '+' : ''}
            {pool.effective - pool.desired} on {pool.desired} desired
          </span>
        )}
      </span>
      {pool?.roll && <RollState roll={pool.roll} />}
      {maintenance !== null && (
        <ToneLabel tone="caution">{`under maintenance by ${maintenance.started_by}`}</ToneLabel>
      )}
      {pool?.last_error && <span className={styles.error}>{pool.last_error}</span>}
      {pool?.not_started[0] && <NotStarted replicas={pool.not_started} />}
    </h3>
  );
}

/** Why places of a pool are empty; of several the first stands for all. */
function NotStarted({ replicas: [first, ...others] }: { readonly replicas: Pool['not_started'] }) {
  if (!first) return null;
  const more = others.length === 0 ? '' : ` (and ${number(others.length)} more)`;
  return <span className={styles.error}>{`${first.agent_id} is not started: ${first.reason}${more}`}</span>;
}

/** How it stands with a pool that is brought to a changed definition. */
function RollState({ roll }: { readonly roll: NonNullable<Pool['roll']> }) {
  const left = count(roll.remaining, 'agent');
  if (!roll.stopped) return <ToneLabel tone="busy">{`new definition: ${left} to go`}</ToneLabel>;
  return (
    <>
      <ToneLabel tone="bad">{`new definition stopped, ${left} to go`}</ToneLabel>
      <span className={styles.error}>{roll.reason}</span>
    </>
  );
}

/** Of a pool how many are alive: one that failed or hangs has a tile, and is none of those that should run. */
function factOf({ pool, agents }: FleetGroup<Pool, Agent>, isWhole: boolean): string {
  if (!isWhole) {
    const shown = `${number(agents.length)} shown`;
    return pool === null ? shown : `${shown}, ${number(pool.effective)} wanted`;
  }
  if (pool !== null) return `${number(countAlive(agents))} of ${number(pool.effective)} alive`;
  return count(agents.length, 'agent');
}
