import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { eventsAboutQuery } from '../api/agent-queries.ts';
import { taskQuery } from '../api/queries.ts';
import { useServer } from '../api/server-context.tsx';
import type { Task } from '../api/wire.ts';
import orders from '../components/agent-orders.module.css';
import { CodeBlock } from '../components/code-block.tsx';
import { ConfirmedRequest } from '../components/confirmed-request.tsx';
import { EventList } from '../components/events-panel.tsx';
import { Output } from '../components/output.tsx';
import { PageTitle } from '../components/page-title.tsx';
import { Panel } from '../components/panel.tsx';
import { Nothing, QueryView } from '../components/query-view.tsx';
import { ToneLabel } from '../components/tone-dot.tsx';
import { TraceLink } from '../components/trace-link.tsx';
import { formatAgo, formatDuration } from '../domain/age.ts';
import { sentence } from '../domain/event-sentence.ts';
import { phaseName } from '../domain/queue-history.ts';
import { ordersForTask } from '../domain/task-orders.ts';
import { taskTone } from '../domain/tone.ts';
import { traceIdOf } from '../domain/trace-id.ts';
import { useMayHandle } from '../hooks/use-may-handle.ts';
import { useNow } from '../hooks/use-now.ts';
import styles from './columns.module.css';
import detail from './detail.module.css';

/** One task: where it stands, its life so far, and what a person may do with it. */
export function TaskPage() {
  const { client } = useServer();
  const { taskId } = useParams({ from: '/inside/tasks/$taskId' });
  const query = useQuery(taskQuery(client, taskId));
  const events = useQuery(eventsAboutQuery(client, taskId, 'fleet.task'));
  return (
    <>
      <PageTitle note={taskId}>
        {query.data ? `${query.data.task_type} ${taskId.slice(-6)}` : 'Task'}
      </PageTitle>
      <QueryView query={query} placeholderLines={8}>
        {(task) => (
          <>
            <div className={styles.head}>
              <TaskSummary task={task} />
              <Orders task={task} />
            </div>
            <div className={styles.columns}>
              <div className={styles.column}>
                <Panel title="Life">
                  <QueryView query={events} placeholderLines={3}>
                    {(found) =>
                      found.length === 0 ? (
                        <Nothing>Nothing is remembered of it.</Nothing>
                      ) : (
                        <EventList events={found.toReversed()} label="Life of this task, oldest first" />
                      )
                    }
                  </QueryView>
                </Panel>
                <Json title="Payload" value={task.payload} />
                <Json title="Progress" value={task.progress} />
                <Json title="Result" value={task.result} />
                {task.last_output !== null && (
                  <Panel title="Last output of its holder">
                    <Output text={task.last_output} of={task.task_id} />
                  </Panel>
                )}
              </div>
              <div className={styles.column}>
                <About task={task} />
              </div>
            </div>
          </>
        )}
      </QueryView>
    </>
  );
}

function TaskSummary({ task }: { readonly task: Task }) {
  return (
    <div>
      <p className={styles.summary}>
        <ToneLabel tone={taskTone(task.state)}>{task.state}</ToneLabel>{' '}
        {task.error !== null && sentence(task.error)}
        {task.warnings.map((warning) => ` It waits: ${sentence(warning).replace(/^N/, 'n')}`)}
      </p>
    </div>
  );
}

const CHANGED = ['tasks', 'parked', 'about', 'agents', 'queue'];

function Orders({ task }: { readonly task: Task }) {
  const mayHandle = useMayHandle();
  const allowed = ordersForTask(task);
  if (allowed.length === 0) return null;
  if (!mayHandle) return <p className={orders.why}>An operator may retry or cancel it; you may look.</p>;
  const of = `${task.task_type} ${task.task_id.slice(-6)}`;
  return (
    <div className={orders.orders} role="group" aria-label={`Orders about ${of}`}>
      {allowed.map(({ label, effect, path, isGrave }) => (
        <ConfirmedRequest
          key={label}
          {...{ label, of, isGrave }}
          order={{ effect, method: 'POST', path, body: {}, changes: CHANGED }}
        />
      ))}
    </div>
  );
}

/** JSON as it was given; nothing where there is none. */
function Json({ title, value }: { readonly title: string; readonly value: unknown }) {
  if (value === null || value === undefined) return null;
  return (
    <Panel title={title}>
      <CodeBlock label={title} text={JSON.stringify(value, null, 2)} />
    </Panel>
  );
}

function About({ task }: { readonly task: Task }) {
  const nowMs = useNow();
  const { agent_id: agentId, claimed_at: claimedAt, finished_at: finishedAt, enqueued_at: enqueuedAt } = task;
  const since = (at: string): string => formatAgo(Date.parse(at), nowMs);
  const traceId = traceIdOf(task.traceparent);
  return (
    <Panel title="About">
      <dl className={detail.facts}>
        <dt>Phase</dt>
        <dd>{phaseName(task.phase_id)}</dd>
        <dt>Priority</dt>
        <dd>{task.priority}</dd>
        <dt>Pool</dt>
        <dd>{task.pool_id ?? 'any'}</dd>
        <dt>Enqueued</dt>
        <dd>{since(enqueuedAt)}</dd>
        {claimedAt !== null && (
          <>
            <dt>Claimed</dt>
            <dd>{since(claimedAt)}</dd>
          </>
        )}
        {finishedAt !== null && (
          <>
            <dt>Finished</dt>
            <dd>
              {since(finishedAt)}
              {claimedAt !== null &&
                `, after ${formatDuration(Date.parse(finishedAt) - Date.parse(claimedAt))}`}
            </dd>
          </>
        )}
        {agentId !== null && (
          <>
            <dt>{task.state === 'claimed' ? 'Held by' : 'Held last by'}</dt>
            <dd>
              <Link to="/fleet/$agentId" params={{ agentId }}>
                {agentId}
              </Link>
            </dd>
          </>
        )}
        <dt>Attempts</dt>
        <dd>
          {task.attempt} of {task.max_attempts}, {task.failures} failed, {task.leases_lost} lost
        </dd>
        <dt>Time limit</dt>
        <dd>{task.time_limit_ms === null ? 'that of the pool' : formatDuration(task.time_limit_ms)}</dd>
        {traceId !== null && (
          <>
            <dt>Trace</dt>
            <dd>
              <TraceLink traceId={traceId} of={task.task_id} />
            </dd>
          </>
        )}
      </dl>
    </Panel>
  );
}
