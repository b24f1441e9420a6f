import { CloseButton } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { UseQueryResult } from '@tanstack/react-query';
import type { Agent, Maintenance, Pool } from '../api/wire.ts';
import { countAlive, groupFleet, type FleetGroup } from '../domain/fleet-groups.ts';
import { number } from '../domain/headline.ts';
import { maintenanceOfAgent, maintenanceOfPool } from '../domain/maintenance.ts';
import { useView } from '../hooks/use-view.ts';
import { AgentTile } from './agent-tile.tsx';
import styles from './fleet-panel.module.css';
import { InBlocks } from './in-blocks.tsx';
import { More } from './more.tsx';
import { Panel } from './panel.tsx';
import { Nothing, QueryView } from './query-view.tsx';
import { ToneLabel } from './tone-dot.tsx';

export interface FleetReading {
  readonly agents: readonly Agent[];
  /** How many there are that have not ended; null: not known for one pool alone. */
  readonly total: number | null;
  /** Whether `agents` are all there are. */
  readonly isWhole: boolean;
}

export interface FleetPanelProps {
  readonly fleet: UseQueryResult<FleetReading>;
  readonly pools: UseQueryResult<readonly Pool[]>;
  /** What is left alone for a while. */
  readonly maintenances: readonly Maintenance[];
  /** Only this pool; undefined: all. */
  readonly poolId: string | undefined;
  /** Shows more agents. */
  readonly onMore: () => void;
}

/** Agents as tiles under their pools; of a large fleet those in trouble first. */
export function FleetPanel({ fleet, pools, maintenances, poolId, onMore }: FleetPanelProps) {
  const { change } = useView();
  return (
    <Panel
      title="Fleet"
      note={poolId === undefined ? undefined : `only ${poolId}`}
      actions={
        poolId !== undefined && (
          <CloseButton aria-label="Show all pools" onClick={() => change({ pool: undefined })} />
        )
      }
    >
      <QueryView query={fleet} placeholderLines={6}>
        {({ agents, total, isWhole }) => {
          const groups = groupFleet(pools.data ?? [], agents);
          const shown = poolId === undefined ? groups : groups.filter((group) => group.poolId === poolId);
          if (shown.length === 0) {
            return (
              <Nothing>No agent has registered yet. Create a pool, or wrap a program with omoi run.</Nothing>
            );
          }
          return (
            <>
              <div className={styles.groups}>
                {shown.map((group) => (
                  <div key={group.poolId ?? ''} className={styles.group} data-agents={group.agents.length}>
                    <GroupHeading group={group} isWhole={isWhole} maintenances={maintenances} />
                    {group.agents.length === 0 ? (
                      <Nothing>
                        {isWhole ? 'No agent runs in this pool.' : 'None of its agents is shown.'}
                      </Nothing>
                    ) : (
                      <InBlocks
                        rows={group.agents}
                        keyOf={(agent) => agent.agent_id}
                        render={(agent) => (
                          <AgentTile
                            agent={agent}
                            isMaintained={maintenanceOfAgent(agent, maintenances) !== null}
                          />
                        )}
                        className={styles.tiles}
                        perBlock={60}
                        blockHeight={1300}
                      />
                    )}
                  </div>
                ))}
              </div>
              {!isWhole && (
                <More
                  shown={agents.length}
                  total={total}
                  what="agents, those in trouble first"
                  onMore={onMore}
                />
              )}
            </>
          );
        }}
      </QueryView>
    </Panel>
  );
}

interface GroupHeadingProps {
  readonly group: FleetGroup<Pool, Agent>;
  /** Whether all its agents are known. */
  readonly isWhole: boolean;
  readonly maintenances: readonly Maintenance[];
}

/** The name of a pool, and how it stands with it. */
export function GroupHeading({ group, isWhole, maintenances }: GroupHeadingProps) {
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
  const left = `${number(roll.remaining)} ${roll.remaining === 1 ? 'agent' : 'agents'}`;
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
  const count = number(agents.length);
  if (!isWhole) return pool === null ? `${count} shown` : `${count} shown, ${number(pool.effective)} wanted`;
  if (pool !== null) return `${number(countAlive(agents))} of ${number(pool.effective)} alive`;
  return `${count} ${agents.length === 1 ? 'agent' : 'agents'}`;
}
