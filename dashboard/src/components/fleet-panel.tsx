import { CloseButton } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { UseQueryResult } from '@tanstack/react-query';
import type { Agent, Pool, Task } from '../api/wire.ts';
import { groupFleet, type FleetGroup } from '../domain/fleet-groups.ts';
import { useView } from '../hooks/use-view.ts';
import { AgentTile } from './agent-tile.tsx';
import styles from './fleet-panel.module.css';
import { Panel } from './panel.tsx';
import { Nothing, QueryView } from './query-view.tsx';

export interface FleetReading {
  readonly agents: readonly Agent[];
  /** By the agent that holds it. */
  readonly taskOf: ReadonlyMap<string | null, Task>;
}

export interface FleetPanelProps {
  readonly fleet: UseQueryResult<FleetReading>;
  readonly pools: UseQueryResult<readonly Pool[]>;
  /** Only this pool; undefined: all. */
  readonly poolId: string | undefined;
}

/** Every agent as a tile under its pool. */
export function FleetPanel({ fleet, pools, poolId }: FleetPanelProps) {
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
        {({ agents, taskOf }) => {
          const groups = groupFleet(pools.data ?? [], agents);
          const shown = poolId === undefined ? groups : groups.filter((group) => group.poolId === poolId);
          if (shown.length === 0) {
            return (
              <Nothing>No agent has registered yet. Create a pool, or wrap a program with omoi run.</Nothing>
            );
          }
          return (
            <div className={styles.groups}>
              {shown.map((group) => (
                <div key={group.poolId ?? ''} className={styles.group} data-agents={group.agents.length}>
                  <GroupHeading group={group} />
                  {group.agents.length === 0 ? (
                    <Nothing>No agent runs in this pool.</Nothing>
                  ) : (
                    <ul className={styles.tiles}>
                      {group.agents.map((agent) => (
                        <li key={agent.agent_id}>
                          <AgentTile agent={agent} task={taskOf.get(agent.agent_id) ?? null} />
                        </li>
                      ))}
                    </ul>
                  )}
                </div>
              ))}
            </div>
          );
        }}
      </QueryView>
    </Panel>
  );
}

function GroupHeading({ group }: { readonly group: FleetGroup<Pool, Agent> }) {
  const { changed } = useView();
  const { pool, poolId, agents, ended } = group;
  return (
    <h3 className={styles.heading}>
      {poolId === null ? (
        'Without a pool'
      ) : (
        <Link className={styles.poolLink} to="/" search={changed({ pool: poolId })} resetScroll={false}>
          {poolId}
        </Link>
      )}
      <span className={styles.facts}>
        {pool === null ? `${agents.length} running` : `${agents.length} of ${pool.effective}`}
        {pool !== null && pool.effective !== pool.desired && (
          <span className={styles.claim}>
            {pool.effective > pool.desired ? '+' : ''}
            {pool.effective - pool.desired} on {pool.desired} desired
          </span>
        )}
        {ended > 0 && <span>{ended} ended</span>}
      </span>
      {pool?.last_error && <span className={styles.error}>{pool.last_error}</span>}
    </h3>
  );
}
