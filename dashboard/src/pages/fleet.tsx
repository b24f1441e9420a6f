import { useQuery } from '@tanstack/react-query';
import { fleetQuery, maintenancesQuery, poolsQuery } from '../api/queries.ts';
import { useServer } from '../api/server-context.tsx';
import { AgentDrawer } from '../components/agent-drawer.tsx';
import { FleetPanel } from '../components/fleet-panel.tsx';
import { PageTitle } from '../components/page-title.tsx';
import { usePageSize } from '../hooks/use-page-size.ts';
import { useView } from '../hooks/use-view.ts';

/** Every agent under its pool. */
export function FleetPage() {
  const { client } = useServer();
  const { pool, agent } = useView().search;
  const size = usePageSize(200);
  const fleet = useQuery(fleetQuery(client, { poolId: pool, rows: size.rows }));
  const pools = useQuery(poolsQuery(client));
  const maintenances = useQuery(maintenancesQuery(client));
  return (
    <>
      <PageTitle>Fleet</PageTitle>
      <FleetPanel
        fleet={fleet}
        pools={pools}
        maintenances={maintenances.data ?? []}
        poolId={pool}
        onMore={size.more}
      />
      <AgentDrawer agentId={agent} />
    </>
  );
}
