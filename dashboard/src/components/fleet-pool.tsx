import type { Agent, Maintenance, Pool } from '../api/wire.ts';
import type { FleetGroup } from '../domain/fleet-groups.ts';
import { number } from '../domain/headline.ts';
import { maintenanceOfAgent } from '../domain/maintenance.ts';
import { isSick } from '../domain/whole-fleet.ts';
import { usePageSize } from '../hooks/use-page-size.ts';
import { AgentTile } from './agent-tile.tsx';
import { GroupHeading } from './fleet-panel.tsx';
import styles from './fleet-pool.module.css';
import { HeatGrid } from './heat-grid.tsx';
import { More } from './more.tsx';
import { Nothing } from './query-view.tsx';

/** More than this are drawn as a grid of small squares. */
const maxTiles = 20;
/** Of those in trouble so many stand above the grid as tiles, with their reasons. */
const firstSick = 8;

export interface FleetPoolProps {
  /** Its agents in the order in which they are shown: the worst first. */
  readonly group: FleetGroup<Pool, Agent>;
  readonly maintenances: readonly Maintenance[];
  /** Whether some of its agents are left out by a filter. */
  readonly isFiltered: boolean;
}

/** A pool and its agents: each a tile, or a square of a grid where they are many. */
export function FleetPool({ group, maintenances, isFiltered }: FleetPoolProps) {
  const { agents, poolId } = group;
  const size = usePageSize(firstSick);
  const isGrid = agents.length > maxTiles;
  const sick = isGrid ? agents.filter(isSick) : [];
  const tiles = isGrid ? sick.slice(0, size.rows) : agents;
  return (
    <>
      <GroupHeading group={group} isWhole={!isFiltered} maintenances={maintenances} />
      {agents.length === 0 && <Nothing>No agent runs in this pool.</Nothing>}
      {tiles.length > 0 && (
        <ul className={styles.tiles} aria-label={isGrid ? 'In trouble' : undefined}>
          {tiles.map((agent) => (
            <li key={agent.agent_id}>
              <AgentTile
                agent={agent}
                isMaintained={maintenanceOfAgent(agent, maintenances) !== null}
                opens="page"
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
