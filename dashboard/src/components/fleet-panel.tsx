import { CloseButton } from '@mantine/core';
import type { UseQueryResult } from '@tanstack/react-query';
import { useMemo } from 'react';
import type { Agent, Maintenance, Pool } from '../api/wire.ts';
import { groupFleet, groupWorstFirst } from '../domain/fleet-groups.ts';
import { useView } from '../hooks/use-view.ts';
import { FleetPools, maxTiles } from './fleet-pool.tsx';
import { Panel } from './panel.tsx';
import { Nothing, QueryView } from './query-view.tsx';

export interface FleetReading {
  /** Those that have not ended, as many as a page of them has. */
  readonly agents: readonly Agent[];
  /** Whether `agents` are all there are. */
  readonly isWhole: boolean;
}

export interface FleetPanelProps {
  readonly first: UseQueryResult<FleetReading>;
  /** All of them; it is looked at where `first` is not whole. */
  readonly whole: UseQueryResult<readonly Agent[]>;
  readonly pools: UseQueryResult<readonly Pool[]>;
  /** What is left alone for a while. */
  readonly maintenances: readonly Maintenance[];
  /** Only this pool; undefined: all. */
  readonly poolId: string | undefined;
  /** How many of them are alive, in a few words; undefined before it is known. */
  readonly note: string | undefined;
}

/** Agents under their pools; a large pool is drawn as a grid. */
export function FleetPanel({ first, whole, pools, maintenances, poolId, note }: FleetPanelProps) {
  const { change } = useView();
  const show = (agents: readonly Agent[]) => (
    <Groups {...{ agents, maintenances, poolId }} pools={pools.data ?? []} />
  );
  return (
    <Panel
      title="Fleet"
      note={poolId === undefined ? note : `only ${poolId}`}
      foldsOnPhone={poolId === undefined}
      actions={
        poolId !== undefined && (
          <CloseButton aria-label="Show all pools" onClick={() => change({ pool: undefined })} />
        )
      }
    >
      <QueryView query={first} placeholderLines={6}>
        {({ agents, isWhole }) =>
          isWhole ? (
            show(agents)
          ) : (
            <QueryView query={whole} placeholderLines={6}>
              {show}
            </QueryView>
          )
        }
      </QueryView>
    </Panel>
  );
}

interface GroupsProps {
  readonly agents: readonly Agent[];
  readonly pools: readonly Pool[];
  readonly maintenances: readonly Maintenance[];
  readonly poolId: string | undefined;
}

/** More pools than this can't be looked through by name. */
const maxByName = 12;

/** By name, so that each keeps its place; where they are too many for that, the worst first. */
function Groups({ agents, pools, maintenances, poolId }: GroupsProps) {
  const groups = useMemo(() => {
    const byName = groupFleet(pools, agents);
    const areMany = byName.length > maxByName || byName.some((group) => group.agents.length > maxTiles);
    return areMany ? groupWorstFirst(pools, agents) : byName;
  }, [pools, agents]);
  const shown = poolId === undefined ? groups : groups.filter((group) => group.poolId === poolId);
  if (shown.length === 0)
    return <Nothing>No agent has registered yet. Create a pool, or wrap a program with omoi run.</Nothing>;
  return (
    <FleetPools
      groups={shown}
      maintenances={maintenances}
      isFiltered={false}
      foldsSmall
      foldsWell={poolId === undefined}
      opens="drawer"
    />
  );
}
