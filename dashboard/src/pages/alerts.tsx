import { useQuery } from '@tanstack/react-query';
import { resolvedAlertsQuery } from '../api/queries.ts';
import { useServer } from '../api/server-context.tsx';
import { AlertsPanel } from '../components/alerts-panel.tsx';
import { PageTitle } from '../components/page-title.tsx';
import { PendingPanel } from '../components/pending-panel.tsx';
import { useFiring } from '../hooks/use-firing.ts';
import { useMayHandle } from '../hooks/use-may-handle.ts';
import { usePageSize } from '../hooks/use-page-size.ts';
import styles from './columns.module.css';

/** What fires and fired, and what is about to. */
export function AlertsPage() {
  const { client } = useServer();
  const mayHandle = useMayHandle();
  const size = usePageSize(40);
  const firing = useFiring(size.rows);
  const resolved = useQuery(resolvedAlertsQuery(client));
  return (
    <>
      <PageTitle>Alerts</PageTitle>
      <div className={styles.columns}>
        <div className={styles.column}>
          <AlertsPanel firing={firing} resolved={resolved} onMore={size.more} mayHandle={mayHandle} />
        </div>
        <div className={styles.column}>
          <PendingPanel />
        </div>
      </div>
    </>
  );
}
