import { useQuery } from '@tanstack/react-query';
import { overviewQuery, queueHistoryQuery } from '../api/queries.ts';
import { useServer } from '../api/server-context.tsx';
import { PageTitle } from '../components/page-title.tsx';
import { QueuePanel } from '../components/queue-panel.tsx';
import { useView } from '../hooks/use-view.ts';

/** What waits to be worked on. */
export function TasksPage() {
  const { client } = useServer();
  const { range } = useView().search;
  const overview = useQuery(overviewQuery(client));
  const leadSeconds = overview.data?.sample_clock_lead_seconds ?? 0;
  const history = useQuery(queueHistoryQuery(client, range, leadSeconds));
  return (
    <>
      <PageTitle>Tasks</PageTitle>
      <QueuePanel history={history} range={range} />
    </>
  );
}
