import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { timelineQuery } from '../api/alert-queries.ts';
import { alertQuery } from '../api/queries.ts';
import { repairsOfAlertQuery } from '../api/repair-queries.ts';
import { useServer } from '../api/server-context.tsx';
import type { Alert } from '../api/wire.ts';
import { AlertTexts } from '../components/alert-texts.tsx';
import { AlertComments } from '../components/alert-comments.tsx';
import { AboutAlert } from '../components/about-alert.tsx';
import { AlertChart } from '../components/alert-chart.tsx';
import { AlertOrders } from '../components/alert-orders.tsx';
import { EventList } from '../components/events-panel.tsx';
import { ExplainPanel } from '../components/explain-panel.tsx';
import { PageTitle } from '../components/page-title.tsx';
import { Panel } from '../components/panel.tsx';
import { Nothing, QueryView } from '../components/query-view.tsx';
import { RepairLinks } from '../components/repair-links.tsx';
import { ToneLabel } from '../components/tone-dot.tsx';
import { TraceLink } from '../components/trace-link.tsx';
import { formatAgo, formatDuration, formatElapsed, formatMoment } from '../domain/age.ts';
import { describeAlert } from '../domain/alert-text.ts';
import { sentence, words } from '../domain/event-sentence.ts';
import { describeLeftOut } from '../domain/explained-alert.ts';
import { notPlanned } from '../domain/repair-story.ts';
import { severityTone } from '../domain/tone.ts';
import { useNow } from '../hooks/use-now.ts';
import styles from './columns.module.css';

/** One alert: what it says, what it rests on, what has happened, and what is done about it. */
export function AlertPage() {
  const { client } = useServer();
  const { alertId } = useParams({ from: '/inside/alerts/$alertId' });
  const query = useQuery(alertQuery(client, alertId));
  const told = query.data && describeAlert(query.data);
  return (
    <>
      <PageTitle note={told?.subject ?? undefined}>{told?.name ?? `Alert ${alertId}`}</PageTitle>
      <QueryView query={query} placeholderLines={8}>
        {(alert) => (
          <>
            <div className={styles.head}>
              <Story alert={alert} />
              <AlertOrders alert={alert} />
            </div>
            <div className={styles.columns}>
              <div className={styles.column}>
                <AlertChart alert={alert} />
                <ExplainPanel alertId={alertId} />
                <Timeline alertId={alertId} />
              </div>
              <div className={styles.column}>
                <About alert={alert} />
                <Repairs alertId={alertId} />
                <AlertComments alertId={alertId} />
              </div>
            </div>
          </>
        )}
      </QueryView>
    </>
  );
}

/** How it stands, and what its rule’s author has to say. */
function Story({ alert }: { readonly alert: Alert }) {
  const nowMs = useNow();
  const { summary, description } = describeAlert(alert);
  const firedMs = Date.parse(alert.fired_at);
  const isFiring = alert.state === 'firing';
  const endedMs = Date.parse(alert.resolved_at ?? alert.updated_at);
  const how = isFiring
    ? `has fired for ${formatElapsed(firedMs, nowMs)}`
    : `fired for ${formatDuration(endedMs - firedMs)}, ended ${formatAgo(endedMs, nowMs)}: ${words(alert.cause ?? 'unknown')}`;
  return (
    <div>
      <p className={styles.summary}>
        <ToneLabel tone={isFiring ? severityTone(alert.severity) : 'gone'}>{alert.severity}</ToneLabel>{' '}
        {alert.maintenance_id !== null && <ToneLabel tone="caution">maintenance</ToneLabel>} {how}
      </p>
      <AlertTexts texts={[summary, description]} className={styles.summary} />
      {alert.evaluation_error !== null && (
        <p className={styles.summary}>Its rule cannot be evaluated now: {sentence(alert.evaluation_error)}</p>
      )}
    </div>
  );
}

function About({ alert }: { readonly alert: Alert }) {
  const { trace_id: traceId } = alert;
  return (
    <AboutAlert
      {...alert}
      history={<Handled alert={alert} />}
      more={
        traceId !== null && (
          <>
            <dt>Trace</dt>
            <dd>
              <TraceLink traceId={traceId} of={alert.rule_id} />
            </dd>
          </>
        )
      }
    />
  );
}

/** What people have said that they do about it. */
function Handled({ alert }: { readonly alert: Alert }) {
  const nowMs = useNow();
  const { acknowledged_by: by, acknowledged_at: at, acknowledged_note: note } = alert;
  const { snoozed_until: until, snoozed_by: snoozer, snooze_note: why } = alert;
  const { assigned_to: person, assigned_by: assigner } = alert;
  return (
    <>
      {by !== null && (
        <>
          <dt>Acknowledged</dt>
          <dd>
            by {by}
            {at !== null && `, ${formatAgo(Date.parse(at), nowMs)}`}
            {note !== null && `: ${note}`}
          </dd>
        </>
      )}
      {until !== null && (
        <>
          <dt>Snoozed</dt>
          <dd>
            until {formatMoment(Date.parse(until), nowMs)}
            {snoozer !== null && ` by ${snoozer}`}
            {why !== null && `: ${why}`}
          </dd>
        </>
      )}
      {person !== null && (
        <>
          <dt>Assigned</dt>
          <dd>
            to {person}
            {assigner !== null && ` by ${assigner}`}
          </dd>
        </>
      )}
    </>
  );
}

function Timeline({ alertId }: { readonly alertId: string }) {
  const { client } = useServer();
  const query = useQuery(timelineQuery(client, alertId));
  return (
    <Panel title="Timeline">
      <QueryView query={query} placeholderLines={4}>
        {({ events, left_out: leftOut }) =>
          events.length === 0 ? (
            <Nothing>Nothing is remembered of it any more.</Nothing>
          ) : (
            <>
              <EventList events={events} label="Timeline, oldest first" />
              {leftOut.messages > 0 && <Nothing>{describeLeftOut(leftOut)}</Nothing>}
            </>
          )
        }
      </QueryView>
    </Panel>
  );
}

function Repairs({ alertId }: { readonly alertId: string }) {
  const { client } = useServer();
  const query = useQuery(repairsOfAlertQuery(client, alertId));
  // Where no action could be taken on the target, no repair is on record: the timeline alone tells of it.
  const { data: held = [] } = useQuery({
    ...timelineQuery(client, alertId),
    select: ({ events }) => notPlanned(events),
  });
  return (
    <Panel title="Repairs">
      <QueryView query={query} placeholderLines={2}>
        {(remediations) => <RepairLinks remediations={remediations} notPlanned={held} />}
      </QueryView>
    </Panel>
  );
}
