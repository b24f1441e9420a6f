import { useQuery } from '@tanstack/react-query';
import { onCallQuery } from '../api/notification-queries.ts';
import { useServer } from '../api/server-context.tsx';
import type { OnCallAnswer, OnCallSchedule } from '../api/wire.ts';
import { AlertPlaces } from '../components/alert-places.tsx';
import { OverrideForm } from '../components/override-form.tsx';
import { PageTitle } from '../components/page-title.tsx';
import { Panel } from '../components/panel.tsx';
import { Nothing, QueryView } from '../components/query-view.tsx';
import { RequestButton } from '../components/request-button.tsx';
import { describeLayers, describeMoment, describeNext, describePerson } from '../domain/on-call-text.ts';
import { useMayHandle } from '../hooks/use-may-handle.ts';
import { useNow } from '../hooks/use-now.ts';
import styles from './columns.module.css';
import onCall from './on-call.module.css';

/** Who is on call in each schedule, who is next, and who stands in for whom. */
export function OnCallPage() {
  const { client } = useServer();
  const mayHandle = useMayHandle();
  const query = useQuery(onCallQuery(client));
  return (
    <>
      <PageTitle>On call</PageTitle>
      <AlertPlaces />
      <QueryView query={query} placeholderLines={4}>
        {(answer) =>
          answer.schedules.length === 0 ? (
            <Panel title="Schedules">
              <Nothing>
                No schedule is configured: receivers are told as the routes say. <code>x-omoi.on_call</code>{' '}
                of the routing configuration has schedules; see{' '}
                <a href="/docs/alerting/on-call" target="_blank" rel="noreferrer">
                  who is on call
                </a>
                .
              </Nothing>
            </Panel>
          ) : (
            <Schedules answer={answer} mayHandle={mayHandle} />
          )
        }
      </QueryView>
    </>
  );
}

function Schedules({ answer, mayHandle }: { readonly answer: OnCallAnswer; readonly mayHandle: boolean }) {
  const { schedules, people } = answer;
  return (
    <div className={styles.columns}>
      <div className={styles.column}>
        {schedules.map((schedule) => (
          <Schedule key={schedule.schedule} schedule={schedule} mayHandle={mayHandle} />
        ))}
      </div>
      <div className={styles.column}>
        <Panel title="Stand in">
          {mayHandle ? (
            <OverrideForm schedules={schedules} people={people} />
          ) : (
            <Nothing>An operator may put somebody else on call; you may look.</Nothing>
          )}
        </Panel>
      </div>
    </div>
  );
}

function Schedule({
  schedule,
  mayHandle,
}: {
  readonly schedule: OnCallSchedule;
  readonly mayHandle: boolean;
}) {
  const nowMs = useNow();
  const { schedule: name, time_zone: zone, on_call: now, next, overrides } = schedule;
  return (
    <Panel title={name} note={zone}>
      <p className={onCall.now} data-row tabIndex={-1}>
        {describePerson(now)}
      </p>
      <p className={onCall.text}>
        {describeNext(schedule, nowMs)}
        {next !== null && (
          <>
            {' '}
            (<time dateTime={next.at}>{describeMoment(Date.parse(next.at), zone, nowMs)}</time>)
          </>
        )}
      </p>
      <h3 className={onCall.subtitle}>Rotations, the one that counts first</h3>
      <ul className={onCall.list}>
        {describeLayers(schedule).map((layer) => (
          <li key={layer}>{layer}</li>
        ))}
      </ul>
      {overrides.length > 0 && (
        <>
          <h3 className={onCall.subtitle}>Who stands in</h3>
          <ul className={onCall.list} aria-label={`Who stands in for ${name}`}>
            {overrides.map(({ id, person, starts_at: from, ends_at: to, comment, created_by: by }) => (
              <li key={id} className={onCall.override}>
                <span>
                  <b>{person}</b> from {describeMoment(Date.parse(from), zone, nowMs)} until{' '}
                  {describeMoment(Date.parse(to), zone, nowMs)}
                  {comment !== '' && `: ${comment}`}, says {by}
                </span>
                {mayHandle && (
                  <RequestButton
                    method="DELETE"
                    path={`/api/v1/alerts/on-call/overrides/${encodeURIComponent(id)}`}
                    label="Remove"
                    describes={`Remove ${person} from ${name}`}
                    changes={['on-call']}
                  />
                )}
              </li>
            ))}
          </ul>
        </>
      )}
    </Panel>
  );
}
