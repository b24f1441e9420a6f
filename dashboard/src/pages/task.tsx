import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { taskQuery } from '../api/queries.ts';
import { useServer } from '../api/server-context.tsx';
import type { Task } from '../api/wire.ts';
import { Output } from '../components/output.tsx';
import { PageTitle } from '../components/page-title.tsx';
import { Panel } from '../components/panel.tsx';
import { QueryView } from '../components/query-view.tsx';
import { formatAge } from '../domain/age.ts';
import { phaseName } from '../domain/queue-history.ts';
import { useNow } from '../hooks/use-now.ts';
import styles from './detail.module.css';

/** One task: where it stands, who has it, and what went wrong. */
export function TaskPage() {
  const { client } = useServer();
  const { taskId } = useParams({ from: '/inside/tasks/$taskId' });
  const query = useQuery(taskQuery(client, taskId));
  return (
    <>
      <PageTitle>Task {taskId}</PageTitle>
      <Panel title="How it stands">
        <QueryView query={query} placeholderLines={6}>
          {(task) => <TaskFacts task={task} />}
        </QueryView>
      </Panel>
    </>
  );
}

function TaskFacts({ task }: { readonly task: Task }) {
  const nowMs = useNow();
  const { agent_id: agentId } = task;
  return (
    <>
      <dl className={styles.facts}>
        <dt>Type</dt>
        <dd>{task.task_type}</dd>
        <dt>Phase</dt>
        <dd>{phaseName(task.phase_id)}</dd>
        <dt>State</dt>
        <dd>{task.state}</dd>
        <dt>Enqueued</dt>
        <dd>{formatAge(Date.parse(task.enqueued_at), nowMs)} ago</dd>
        <dt>Attempts</dt>
        <dd>
          {task.attempt} of {task.max_attempts}
        </dd>
        {agentId !== null && (
          <>
            <dt>Agent</dt>
            <dd>
              <Link to="/fleet/$agentId" params={{ agentId }}>
                {agentId}
              </Link>
            </dd>
          </>
        )}
        {task.error !== null && (
          <>
            <dt>Error</dt>
            <dd>{task.error}</dd>
          </>
        )}
      </dl>
      <Output text={task.last_output} of={task.task_id} />
    </>
  );
}
