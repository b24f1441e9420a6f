import type { Agent, Maintenance, Pool } from '../api/wire.ts';
import type { FleetGroup } from '../domain/fleet-groups.ts';
import { number } from '../domain/headline.ts';
import { maintenanceOfAgent } from '../domain/maintenance.ts';
import { isSick } from '../domain/whole-fleet.ts';
import { usePageSize } from '../hooks/use-page-size.ts';
import { AgentTile } from './agent-tile.tsx';
import styles from './fleet-pool.module.css';
import { HeatGrid } from './heat-grid.tsx';
import { InBlocks } from './in-blocks.tsx';
import { More } from './more.tsx';
import { PoolHeading } from './pool-heading.tsx';
import { Nothing } from './query-view.tsx';

/** More than this are drawn as a grid of small squares. */
export const maxTiles = 20;
/** Of those in trouble so many stand above the grid as tiles, with their reasons. */
const firstSick = 8;

interface ShownFleet {
  readonly maintenances: readonly Maintenance[];
  /** Whether some of the agents are left out by a filter. */
  readonly isFiltered: boolean;
  /** What a click on a tile opens. */
  readonly opens: 'drawer' | 'page';
}

export interface FleetPoolsProps extends ShownFleet {
  /** The agents of each in the order in which they are shown: where they are many, the worst first. */
  readonly groups: readonly FleetGroup<Pool, Agent>[];
}

/** So many agents and pools are in the page whether or not they are on the screen. */
const maxAtOnce = 60;

/** Pools of any number and size. */
export function FleetPools({ groups, ...shown }: FleetPoolsProps) {
  if (groups.reduce((sum, group) => sum + group.agents.length, groups.length) <= maxAtOnce) {
    return (
      <ul className={styles.few}>
        {groups.map((group) => (
          <li key={group.poolId ?? ''} data-agents={group.agents.length}>
            <FleetPool group={group} {...shown} />
          </li>
        ))}
      </ul>
    );
  }
  return (
    <InBlocks
      rows={groups}
      keyOf={({ poolId }) => poolId ?? ''}
      render={(group) => <FleetPool group={group} {...shown} />}
      className={styles.pools}
      perBlock={1}
      blockHeight={220}
      near="250px 0px"
    />
  );
}

interface FleetPoolProps extends ShownFleet {
  readonly group: FleetGroup<Pool, Agent>;
}

/** A pool and its agents: each a tile, or a square of a grid where they are many. */
function FleetPool({ group, maintenances, isFiltered, opens }: FleetPoolProps) {
  const { agents, poolId } = group;
  const size = usePageSize(firstSick);
  const isGrid = agents.length > maxTiles;
  const sick = isGrid ? agents.filter(isSick) : [];
  const tiles = isGrid ? sick.slice(0, size.rows) : agents;
  return (
    <>
      <PoolHeading group={group} isWhole={!isFiltered} maintenances={maintenances} />
      {agents.length === 0 && <Nothing>No agent runs in this pool.</Nothing>}
      {tiles.length > 0 && (
        <ul className={styles.tiles} aria-label={isGrid ? 'In trouble' : undefined}>
          {tiles.map((agent) => (
            <li key={agent.agent_id}>
              <AgentTile
                agent={agent}
                isMaintained={maintenanceOfAgent(agent, maintenances) !== null}
                opens={opens}
              />
            </li>
          ))}
        </ul>
      )}
      {sick.length > tiles.length && (
        <More
          shown={tiles.length}
          total={sick.length}
          what="in trouble, the worst first"
          onMore={size.more}
        />
      )}
      {isGrid && (
        <HeatGrid
          agents={agents}
          label={`${number(agents.length)} agents of ${poolId === null ? 'no pool' : `pool ${poolId}`}`}
        />
      )}
    </>
  );
}
