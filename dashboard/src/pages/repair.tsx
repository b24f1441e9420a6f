import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { remediationQuery } from '../api/queries.ts';
import { useServer } from '../api/server-context.tsx';
import { PageTitle } from '../components/page-title.tsx';
import { Panel } from '../components/panel.tsx';
import { QueryView } from '../components/query-view.tsx';
import { RemediationSteps } from '../components/remediations-panel.tsx';
import { words } from '../domain/event-sentence.ts';
import { useNow } from '../hooks/use-now.ts';
import styles from './detail.module.css';

/** One repair: what it acted on, each step, and what came of it. */
export function RepairPage() {
  const { client } = useServer();
  const { remediationId } = useParams({ from: '/inside/repairs/$remediationId' });
  const nowMs = useNow();
  const query = useQuery(remediationQuery(client, remediationId));
  const { data: repair } = query;
  return (
    <>
      <PageTitle note={repair && words(repair.outcome ?? repair.state)}>
        {repair ? `${words(repair.policy)} on ${repair.target.id}` : `Repair ${remediationId}`}
      </PageTitle>
      <Panel title="Steps">
        <QueryView query={query} placeholderLines={4}>
          {(remediation) => (
            <ul className={styles.list}>
              <RemediationSteps {...{ remediation, nowMs }} />
            </ul>
          )}
        </QueryView>
      </Panel>
    </>
  );
}
