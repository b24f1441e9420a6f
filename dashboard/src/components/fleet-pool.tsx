import { useMemo } from 'react';
import type { Agent, Maintenance, Pool } from '../api/wire.ts';
import { count, number } from '../domain/count.ts';
import type { FleetGroup } from '../domain/fleet-groups.ts';
import { maintenanceOfAgent } from '../domain/maintenance.ts';
import { firstSpecial, firstWell, foldSmallPools } from '../domain/small-pools.ts';
import { isSick } from '../domain/whole-fleet.ts';
import { usePageSize } from '../hooks/use-page-size.ts';
import { AgentTile } from './agent-tile.tsx';
import styles from './fleet-pool.module.css';
import { HeatGrid } from './heat-grid.tsx';
import { InBlocks } from './in-blocks.tsx';
import { More } from './more.tsx';
import heading from './pool-heading.module.css';
import { PoolHeading } from './pool-heading.tsx';
import { Nothing } from './query-view.tsx';
import { SmallPools } from './small-pools.tsx';

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
  /** Whether many small pools that are as they should be share one place: not where somebody looks for agents by a word. */
  readonly foldsSmall: boolean;
  /** Whether the pools with which all is well stand before something else, and share a line until somebody opens it. */
  readonly foldsWell?: boolean;
}

/** So many agents and pools are in the page whether or not they are on the screen. */
const maxAtOnce = 60;

/** Pools of any number and size. */
export function FleetPools({ groups, foldsSmall, foldsWell = false, ...shown }: FleetPoolsProps) {
  const { maintenances } = shown;
  const folded = useMemo(
    () =>
      foldsSmall
        ? foldSmallPools(groups, maintenances, foldsWell ? { maxWell: firstWell } : {})
        : { special: [], shown: groups, small: [] },
    [groups, foldsSmall, foldsWell, maintenances],
  );
  return (
    <>
      {folded.special.length > 0 && <SpecialPools groups={folded.special} {...shown} />}
      {folded.shown.length > 0 && <OwnPlaces groups={folded.shown} {...shown} />}
      {folded.small.length > 0 && <SmallPools pools={folded.small} isFolded={foldsWell} />}
    </>
  );
}

type PlacesProps = Omit<FleetPoolsProps, 'foldsSmall' | 'foldsWell'>;

/** The first of many small pools to look at. */
function SpecialPools({ groups, ...shown }: PlacesProps) {
  const size = usePageSize(firstSpecial);
  const first = groups.slice(0, size.rows);
  return (
    <section className={styles.special} aria-label="Small pools to look at">
      <h3 className={heading.heading}>
        {number(groups.length)} small pools <span className={heading.facts}>not as they should be</span>
      </h3>
      <SideBySide groups={first} {...shown} />
      {groups.length > first.length && (
        <More
          shown={first.length}
          total={groups.length}
          what="small pools to look at, those in trouble first"
          onMore={size.more}
        />
      )}
    </section>
  );
}

/** Pools that each have a place of their own. */
function OwnPlaces({ groups, ...shown }: PlacesProps) {
  if (groups.reduce((sum, group) => sum + group.agents.length, groups.length) <= maxAtOnce)
    return <SideBySide groups={groups} {...shown} />;
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

/** Small ones in one row. */
function SideBySide({ groups, ...shown }: PlacesProps) {
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
          label={`${count(agents.length, 'agent')} of ${poolId === null ? 'no pool' : `pool ${poolId}`}`}
        />
      )}
    </>
  );
}
