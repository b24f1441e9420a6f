import { useQuery } from '@tanstack/react-query';
import { eventsQuery } from '../api/queries.ts';
import { useServer } from '../api/server-context.tsx';
import { EventsPanel } from '../components/events-panel.tsx';
import { PageTitle } from '../components/page-title.tsx';
import { useView } from '../hooks/use-view.ts';

/** What happened lately. */
export function EventsPage() {
  const { client } = useServer();
  const { events: filter } = useView().search;
  const events = useQuery(eventsQuery(client));
  return (
    <>
      <PageTitle>Events</PageTitle>
      <EventsPanel events={events} filter={filter} maxLines={200} isWhole />
    </>
  );
}
