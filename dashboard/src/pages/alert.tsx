import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { alertQuery } from '../api/queries.ts';
import { useServer } from '../api/server-context.tsx';
import { FiringAlert, ResolvedAlert } from '../components/alerts-panel.tsx';
import { PageTitle } from '../components/page-title.tsx';
import { Panel } from '../components/panel.tsx';
import { QueryView } from '../components/query-view.tsx';
import { describeAlert } from '../domain/alert-text.ts';
import { useMayHandle } from '../hooks/use-may-handle.ts';
import { useNow } from '../hooks/use-now.ts';
import styles from './detail.module.css';

/** One alert. */
export function AlertPage() {
  const { client } = useServer();
  const { alertId } = useParams({ from: '/inside/alerts/$alertId' });
  const mayHandle = useMayHandle();
  const nowMs = useNow();
  const query = useQuery(alertQuery(client, alertId));
  return (
    <>
      <PageTitle note={query.data?.state}>
        {query.data ? describeAlert(query.data).name : `Alert ${alertId}`}
      </PageTitle>
      <Panel title="How it stands">
        <QueryView query={query} placeholderLines={4}>
          {(alert) =>
            alert.state === 'firing' ? (
              <FiringAlert {...{ alert, mayHandle, nowMs }} />
            ) : (
              <ul className={styles.list}>
                <ResolvedAlert {...{ alert, nowMs }} />
              </ul>
            )
          }
        </QueryView>
      </Panel>
    </>
  );
}
