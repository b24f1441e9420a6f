import { TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { useDeferredValue, useMemo, useState } from 'react';
import { wholeFleetQuery } from '../api/fleet-query.ts';
import { maintenancesQuery, poolsQuery } from '../api/queries.ts';
import { useServer } from '../api/server-context.tsx';
import type { Agent, Maintenance, Pool } from '../api/wire.ts';
import { EndedFleet } from '../components/ended-fleet.tsx';
import { FilterChips } from '../components/filter-chips.tsx';
import { FleetPools } from '../components/fleet-pool.tsx';
import styles from '../components/fleet-pool.module.css';
import { PageTitle } from '../components/page-title.tsx';
import { Panel } from '../components/panel.tsx';
import { Nothing, QueryView } from '../components/query-view.tsx';
import rows from '../components/rows.module.css';
import { count, number } from '../domain/count.ts';
import { groupWorstFirst } from '../domain/fleet-groups.ts';
import { filterFleet, FLEET_CHOICES, isSick, type FleetFilter } from '../domain/whole-fleet.ts';

/** Every agent under its pool, those in trouble first; the address says which are looked for. */
export function FleetPage() {
  const { client } = useServer();
  const { pool, find, show = 'all' } = useSearch({ from: '/inside/fleet' });
  const fleet = useQuery(wholeFleetQuery(client));
  const pools = useQuery(poolsQuery(client));
  const maintenances = useQuery(maintenancesQuery(client));
  const sick = useMemo(() => fleet.data?.filter(isSick).length ?? 0, [fleet.data]);
  const filter = { show, ...(pool === undefined ? {} : { pool }), ...(find === undefined ? {} : { find }) };
  return (
    <>
      <PageTitle note={fleet.data && noteOf(fleet.data.length, sick)}>Fleet</PageTitle>
      <Panel title="Agents" note={pool === undefined ? undefined : <OnlyPool pool={pool} />}>
        <div className={rows.filters}>
          <Find />
          <FilterChips
            label="Which agents"
            choices={FLEET_CHOICES}
            chosen={show}
            name={(choice) =>
              choice === 'sick' && sick > 0 ? `in trouble ${number(sick)}` : CHOICE_NAMES[choice]
            }
            searchOf={(choice) => ({ show: choice === 'all' ? undefined : choice })}
          />
        </div>
        <QueryView query={fleet} placeholderLines={8}>
          {(agents) => (
            <Pools
              agents={agents}
              pools={pools.data ?? NO_POOLS}
              maintenances={maintenances.data ?? NO_MAINTENANCES}
              filter={filter}
            />
          )}
        </QueryView>
        <EndedFleet pools={pools.data ?? NO_POOLS} present={fleet.data ?? NO_AGENTS} />
      </Panel>
    </>
  );
}

const CHOICE_NAMES = { all: 'all', sick: 'in trouble', working: 'working', idle: 'idle' } as const;
const NO_AGENTS: readonly Agent[] = [];
const NO_POOLS: readonly Pool[] = [];
const NO_MAINTENANCES: readonly Maintenance[] = [];

function noteOf(present: number, sick: number): string {
  return sick === 0 ? count(present, 'agent') : `${count(present, 'agent')}, ${number(sick)} in trouble`;
}

function OnlyPool({ pool }: { readonly pool: string }) {
  return (
    <>
      only pool {pool}{' '}
      <Link to="." search={(before: object) => ({ ...before, pool: undefined })} resetScroll={false}>
        show all
      </Link>
    </>
  );
}

/** What is typed is in the address at once, and does not fill the history. */
function Find() {
  const { find = '' } = useSearch({ from: '/inside/fleet' });
  const navigate = useNavigate();
  const [typed, setTyped] = useState(find);
  const [known, setKnown] = useState(find);
  // The address was changed by somebody else than this field.
  if (find !== known) {
    setKnown(find);
    setTyped(find);
  }
  return (
    <TextInput
      className={styles.search ?? ''}
      type="search"
      size="xs"
      aria-label="Find agents"
      placeholder="Find by name, label, reason or work"
      value={typed}
      onChange={({ currentTarget: { value } }) => {
        setTyped(value);
        setKnown(value);
        void navigate({
          to: '.',
          search: (before: object) => ({ ...before, find: value === '' ? undefined : value }),
          replace: true,
          resetScroll: false,
        });
      }}
    />
  );
}

interface PoolsProps {
  readonly agents: readonly Agent[];
  readonly pools: readonly Pool[];
  readonly maintenances: readonly Maintenance[];
  readonly filter: FleetFilter;
}

function Pools({ agents, pools, maintenances, filter }: PoolsProps) {
  const { show, find, pool } = filter;
  const shownAgents = useDeferredValue(agents);
  const groups = useMemo(
    () =>
      groupWorstFirst(
        pools,
        filterFleet(shownAgents, { show, ...(find && { find }), ...(pool && { pool }) }),
      ),
    [pools, shownAgents, show, find, pool],
  );
  const isFiltered = show !== 'all' || find !== undefined;
  const shown = groups.filter(
    (group) =>
      (pool === undefined || group.poolId === pool) &&
      (group.agents.length > 0 || (!isFiltered && group.pool !== null && group.pool.effective > 0)),
  );
  if (shown.length === 0) {
    return (
      <Nothing>
        {isFiltered || pool !== undefined
          ? 'No agent is like that.'
          : 'No agent has registered yet. Create a pool, or wrap a program with omoi run.'}
      </Nothing>
    );
  }
  return (
    <FleetPools
      groups={shown}
      maintenances={maintenances}
      isFiltered={isFiltered}
      foldsSmall={find === undefined}
      opens="page"
    />
  );
}
