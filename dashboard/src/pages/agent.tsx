import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { eventsAboutQuery } from '../api/agent-queries.ts';
import { poolsQuery, whyQuery } from '../api/queries.ts';
import { useServer } from '../api/server-context.tsx';
import type { Why } from '../api/wire.ts';
import { AgentCharts } from '../components/agent-charts.tsx';
import { AgentOrders } from '../components/agent-orders.tsx';
import { AgentOutputPanel } from '../components/agent-output.tsx';
import {
  AgentAdvice,
  AgentEvidence,
  AgentFactList,
  AgentStatus,
  Generations,
  HeldTasks,
} from '../components/agent-story.tsx';
import { AlertLinks } from '../components/alert-links.tsx';
import { Decisions } from '../components/decisions.tsx';
import { EventList } from '../components/events-panel.tsx';
import { PageTitle } from '../components/page-title.tsx';
import { Panel } from '../components/panel.tsx';
import { Nothing, QueryView } from '../components/query-view.tsx';
import { RangeChoice } from '../components/range-choice.tsx';
import { RepairLinks } from '../components/repair-links.tsx';
import { StatusStrip } from '../components/status-strip.tsx';
import { statusChangesOf, statusSpans } from '../domain/activity-strip.ts';
import { sentence } from '../domain/event-sentence.ts';
import { lastWithOutput } from '../domain/generations.ts';
import { QUEUE_RANGES, type QueueRange } from '../domain/search.ts';
import { useNow } from '../hooks/use-now.ts';
import { useView } from '../hooks/use-view.ts';
import styles from './columns.module.css';

/** One agent: how it stands and why, what it does and has done, and what a person may do with it. */
export function AgentPage() {
  const { client } = useServer();
  const { agentId } = useParams({ from: '/inside/fleet/$agentId' });
  const query = useQuery(whyQuery(client, agentId));
  const pools = useQuery(poolsQuery(client));
  const generation = query.data?.agent.generation;
  return (
    <>
      <PageTitle note={generation === undefined ? undefined : `generation ${generation}`}>
        {agentId}
      </PageTitle>
      <QueryView query={query} placeholderLines={10}>
        {(why) => (
          <>
            <div className={styles.head}>
              <div>
                <AgentStatus agent={why.agent} />
              </div>
              <AgentOrders agent={why.agent} />
            </div>
            <div className={`${styles.columns} ${styles.reasonsFirst}`}>
              <div className={styles.column}>
                <Activity why={why} />
                <AgentOutputPanel agentId={agentId} kept={keptOutputOf(why)} />
                <Events agentId={agentId} />
              </div>
              <div className={styles.column}>
                <Decisions agentId={agentId} />
                <Panel title="Why">
                  <p className={styles.summary}>{sentence(why.summary)}</p>
                  <AgentEvidence why={why} />
                </Panel>
                {why.advice.length > 0 && (
                  <Panel title="What you can do">
                    <AgentAdvice why={why} />
                  </Panel>
                )}
                <Panel title="Tasks">
                  <HeldTasks why={why} />
                </Panel>
                {why.alerts.length > 0 && (
                  <Panel title="Alerts">
                    <AlertLinks alerts={why.alerts} />
                  </Panel>
                )}
                <Panel title="Repairs">
                  <RepairLinks remediations={why.remediations} none={why.no_repair} />
                </Panel>
                <div className={`${styles.column} ${styles.background}`}>
                  <Panel title="About">
                    <AgentFactList agent={why.agent} pools={pools.data ?? []} />
                  </Panel>
                  <Panel title="Generations">
                    <Generations why={why} />
                  </Panel>
                </div>
              </div>
            </div>
          </>
        )}
      </QueryView>
    </>
  );
}

function keptOutputOf({ generations }: Why): { readonly generation: number; readonly text: string } | null {
  const last = lastWithOutput(generations);
  return last && { generation: last.generation, text: last.last_output ?? '' };
}

/** How it was lately, and what it did. */
function Activity({ why: { agent } }: { readonly why: Why }) {
  const { range } = useView().search;
  return (
    <Panel title="Activity" actions={<RangeChoice range={range} />}>
      <Strip agent={agent} range={range} />
      <AgentCharts agent={agent} range={range} />
    </Panel>
  );
}

function Strip({ agent, range }: { readonly agent: Why['agent']; readonly range: QueueRange }) {
  const { client } = useServer();
  const nowMs = useNow();
  const events = useQuery(eventsAboutQuery(client, agent.agent_id, 'fleet.agent.status_changed'));
  const fromMs = nowMs - QUEUE_RANGES[range] * 1_000;
  return (
    <QueryView query={events} placeholderLines={1}>
      {(found) => {
        const { changes, knownSinceMs } = statusChangesOf(found, Date.parse(agent.registered_at));
        const spans = statusSpans(changes, { fromMs, toMs: nowMs, status: agent.status, knownSinceMs });
        return <StatusStrip spans={spans} fromMs={fromMs} toMs={nowMs} range={range} />;
      }}
    </QueryView>
  );
}

function Events({ agentId }: { readonly agentId: string }) {
  const { client } = useServer();
  const events = useQuery(eventsAboutQuery(client, agentId, 'fleet'));
  return (
    <Panel title="Events">
      <QueryView query={events} placeholderLines={4}>
        {(found) =>
          found.length === 0 ? (
            <Nothing>Nothing is remembered of it.</Nothing>
          ) : (
            <EventList events={found} label={`Events of ${agentId}, newest first`} />
          )
        }
      </QueryView>
    </Panel>
  );
}
