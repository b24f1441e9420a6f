import { useQuery } from '@tanstack/react-query';
import { Link, Navigate, useParams } from '@tanstack/react-router';
import { pendingAlertQuery } from '../api/alert-queries.ts';
import { ApiError } from '../api/client.ts';
import { useServer } from '../api/server-context.tsx';
import type { ActiveAlertDetails } from '../api/wire.ts';
import { AlertTexts } from '../components/alert-texts.tsx';
import { AboutAlert } from '../components/about-alert.tsx';
import { ConditionPanel } from '../components/alert-chart.tsx';
import { PageTitle } from '../components/page-title.tsx';
import { Panel } from '../components/panel.tsx';
import { Nothing, QueryView } from '../components/query-view.tsx';
import { ToneLabel } from '../components/tone-dot.tsx';
import { subjectOf } from '../domain/alert-text.ts';
import { describePending } from '../domain/pending-alert.ts';
import { severityTone } from '../domain/tone.ts';
import { useNow } from '../hooks/use-now.ts';
import styles from './columns.module.css';

/** What will be an alert when its condition goes on to hold: what it rests on, and when. Once it fires, the alert's page. */
export function PendingAlertPage() {
  const { client } = useServer();
  const { activeId } = useParams({ from: '/inside/alerts/pending/$activeId' });
  const query = useQuery(pendingAlertQuery(client, activeId));
  const { data: known, error } = query;
  if (known && known.alert_id !== null) {
    return <Navigate to="/alerts/$alertId" params={{ alertId: known.alert_id }} replace />;
  }
  const name = known ? (known.labels['alertname'] ?? known.rule_id) : 'Pending alert';
  if (error instanceof ApiError && error.status === 404) {
    return (
      <>
        <PageTitle>{name}</PageTitle>
        <Panel title="Not pending any more">
          <Nothing>
            Its condition does not hold any more, so it did not fire. <Link to="/alerts">All alerts</Link>
          </Nothing>
        </Panel>
      </>
    );
  }
  return (
    <>
      <PageTitle note={(known && subjectOf(known.labels)) ?? undefined}>{name}</PageTitle>
      <QueryView query={query} placeholderLines={8}>
        {(alert) => (
          <>
            <Story alert={alert} />
            <div className={styles.columns}>
              <div className={styles.column}>
                <ConditionPanel judged={{ id: activeId, labels: alert.labels }} rule={alert.rule} />
              </div>
              <div className={styles.column}>
                <About alert={alert} />
              </div>
            </div>
          </>
        )}
      </QueryView>
    </>
  );
}

function Story({ alert }: { readonly alert: ActiveAlertDetails }) {
  const nowMs = useNow();
  const { severity = 'warning' } = alert.labels;
  const { summary, description } = alert.annotations;
  return (
    <div className={styles.head}>
      <div>
        <p className={styles.summary}>
          <ToneLabel tone={severityTone(severity)}>{severity}</ToneLabel> {describePending(alert, nowMs)}
        </p>
        <AlertTexts texts={[summary, description]} className={styles.summary} />
      </div>
    </div>
  );
}

function About({ alert }: { readonly alert: ActiveAlertDetails }) {
  const { active_at: since, fires_at: firesAt, rule } = alert;
  return (
    <AboutAlert
      {...alert}
      threshold={rule.threshold}
      history={
        <>
          <dt>Since</dt>
          <dd>
            <time dateTime={since}>{TIME.format(new Date(since))}</time>
          </dd>
          {firesAt !== null && (
            <>
              <dt>Fires at</dt>
              <dd>
                <time dateTime={firesAt}>{TIME.format(new Date(firesAt))}</time>
              </dd>
            </>
          )}
        </>
      }
    />
  );
}

const TIME = new Intl.DateTimeFormat(undefined, {
  dateStyle: 'medium',
  timeStyle: 'medium',
  hourCycle: 'h23',
});
