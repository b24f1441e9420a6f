import { useQuery } from '@tanstack/react-query';
import { overviewQuery, remediationsQuery } from '../api/queries.ts';
import { useServer } from '../api/server-context.tsx';
import { PageTitle } from '../components/page-title.tsx';
import { RemediationsPanel } from '../components/remediations-panel.tsx';
import { countFleet } from '../domain/headline.ts';

/** What the watchdog does, did and would do. */
export function RepairsPage() {
  const { client } = useServer();
  const overview = useQuery(overviewQuery(client));
  const remediations = useQuery(remediationsQuery(client));
  return (
    <>
      <PageTitle>Repairs</PageTitle>
      <RemediationsPanel
        remediations={remediations}
        counts={overview.data ? countFleet(overview.data) : null}
      />
    </>
  );
}
