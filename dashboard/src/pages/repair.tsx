import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { eventsAboutQuery } from '../api/agent-queries.ts';
import { alertQuery, remediationQuery, whyQuery } from '../api/queries.ts';
import { useServer } from '../api/server-context.tsx';
import type { Remediation } from '../api/wire.ts';
import { AlertLinks } from '../components/alert-links.tsx';
import { EventList } from '../components/events-panel.tsx';
import { Output } from '../components/output.tsx';
import { PageTitle } from '../components/page-title.tsx';
import { Panel } from '../components/panel.tsx';
import { Nothing, QueryView } from '../components/query-view.tsx';
import { RemediationSteps } from '../components/remediations-panel.tsx';
import { RepairOrders } from '../components/repair-orders.tsx';
import { TargetName } from '../components/repair-rows.tsx';
import { RepairStand } from '../components/repair-stand.tsx';
import { sentence, words } from '../domain/event-sentence.ts';
import { describeEnd, generationAt } from '../domain/generations.ts';
import { describeAttempts } from '../domain/repair-story.ts';
import { useNow } from '../hooks/use-now.ts';
import styles from './columns.module.css';
import detail from './detail.module.css';

/** One repair: why it was begun, what it did, step by step, and what came of it. */
export function RepairPage() {
  const { client } = useServer();
  const { remediationId } = useParams({ from: '/inside/repairs/$remediationId' });
  const nowMs = useNow();
  const query = useQuery(remediationQuery(client, remediationId));
  const events = useQuery(eventsAboutQuery(client, remediationId, 'watchdog'));
  const { data: known } = query;
  return (
    <>
      <PageTitle>
        {known ? `${words(known.policy)} on ${known.target.id}` : `Repair ${remediationId}`}
      </PageTitle>
      <QueryView query={query} placeholderLines={8}>
        {(repair) => (
          <>
            <div className={styles.head}>
              <p className={styles.summary}>
                <RepairStand repair={repair} /> {repair.reason}
              </p>
              <RepairOrders repair={repair} />
            </div>
            <div className={styles.columns}>
              <div className={styles.column}>
                <Panel title="Steps">
                  <ul className={detail.list}>
                    <RemediationSteps {...{ remediation: repair, nowMs }} />
                  </ul>
                </Panel>
                <Panel title="Events">
                  <QueryView query={events} placeholderLines={3}>
                    {(found) =>
                      found.length === 0 ? (
                        <Nothing>Nothing is remembered of it.</Nothing>
                      ) : (
                        <EventList events={found} label="Events of this repair, newest first" />
                      )
                    }
                  </QueryView>
                </Panel>
              </div>
              <div className={styles.column}>
                <Evidence repair={repair} />
                <About repair={repair} />
                <Cause alertId={repair.alert_id} />
              </div>
            </div>
          </>
        )}
      </QueryView>
    </>
  );
}

function About({ repair }: { readonly repair: Remediation }) {
  const { policy, target, approved_by: approvedBy, guardian, id } = repair;
  return (
    <Panel title="About">
      <dl className={detail.facts}>
        <dt>Target</dt>
        <dd>
          <TargetName target={target} />
        </dd>
        <dt>Policy</dt>
        <dd>
          <Link to="/repairs" search={{ policy }}>
            {words(policy)}
          </Link>
        </dd>
        <dt>Attempts</dt>
        <dd>{describeAttempts(repair) ?? `none yet, ${repair.max_attempts} at most`}</dd>
        <dt>Guardian</dt>
        <dd>{guardian}, after the last attempt</dd>
        {approvedBy !== null && (
          <>
            <dt>Approved by</dt>
            <dd>{approvedBy}</dd>
          </>
        )}
        <dt>Id</dt>
        <dd>{id}</dd>
      </dl>
    </Panel>
  );
}

/** What it rests on: what was seen when it was planned, and what the generation of that time put out last. */
function Evidence({ repair }: { readonly repair: Remediation }) {
  const { client } = useServer();
  const { target, evidence, planned_at: plannedAt } = repair;
  // An agent that has been forgotten is not there: then there is only what was written down.
  const why = useQuery({ ...whyQuery(client, target.id), enabled: target.kind === 'agent' });
  const generation = why.data ? generationAt(why.data.generations, plannedAt) : null;
  const end = generation && describeEnd(generation);
  if (evidence === null && end === null) return null;
  return (
    <Panel title="Evidence">
      <dl className={detail.facts}>
        {evidence !== null && (
          <>
            <dt>Seen</dt>
            <dd>{sentence(evidence)}</dd>
          </>
        )}
        {generation !== null && end !== null && (
          <>
            <dt>Generation {generation.generation}</dt>
            <dd>
              {end}
              <Output
                text={generation.last_output}
                of={`generation ${generation.generation} of ${target.id}`}
                isOpen
              />
            </dd>
          </>
        )}
      </dl>
    </Panel>
  );
}

/** The alert that it was begun for. */
function Cause({ alertId }: { readonly alertId: string }) {
  const { client } = useServer();
  const query = useQuery(alertQuery(client, alertId));
  return (
    <Panel title="Alert">
      <QueryView query={query} placeholderLines={1}>
        {(alert) => <AlertLinks alerts={[alert]} />}
      </QueryView>
    </Panel>
  );
}
