import { useQuery } from '@tanstack/react-query';
import { useSearch } from '@tanstack/react-router';
import { resolvedAlertsQuery } from '../api/queries.ts';
import { useServer } from '../api/server-context.tsx';
import { AlertFilters } from '../components/alert-filters.tsx';
import { AlertPlaces } from '../components/alert-places.tsx';
import { AlertsPanel } from '../components/alerts-panel.tsx';
import { ChosenAlerts } from '../components/chosen-alerts.tsx';
import { PageTitle } from '../components/page-title.tsx';
import { Panel } from '../components/panel.tsx';
import { PendingPanel } from '../components/pending-panel.tsx';
import { isFiltered } from '../domain/alert-filter.ts';
import { useFiring } from '../hooks/use-firing.ts';
import { useMayHandle } from '../hooks/use-may-handle.ts';
import { usePageSize } from '../hooks/use-page-size.ts';
import { useSelection } from '../hooks/use-selection.ts';
import styles from './columns.module.css';

/** What fires and fired, and what is about to. */
export function AlertsPage() {
  const { client } = useServer();
  const search = useSearch({ from: '/inside/alerts' });
  const mayHandle = useMayHandle();
  const size = usePageSize(40);
  const selection = useSelection();
  const firing = useFiring(size.rows);
  const resolved = useQuery(resolvedAlertsQuery(client));
  const { state, severity, acknowledged, match, receiver, agent } = search;
  const chosen = { state, severity, acknowledged, match, receiver, agent };
  const filters = <AlertFilters search={search} />;
  return (
    <>
      <PageTitle>Alerts</PageTitle>
      <AlertPlaces />
      <div className={styles.columns}>
        <div className={styles.column}>
          {isFiltered(search) ? (
            <Panel title="Alerts">
              {filters}
              <ChosenAlerts key={JSON.stringify(chosen)} search={chosen} {...{ mayHandle, selection }} />
            </Panel>
          ) : (
            <AlertsPanel
              {...{ firing, resolved, mayHandle, filters }}
              onMore={size.more}
              {...(mayHandle && { selection })}
            />
          )}
        </div>
        <div className={styles.column}>
          <PendingPanel />
        </div>
      </div>
    </>
  );
}
