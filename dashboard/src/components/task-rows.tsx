import { Link } from '@tanstack/react-router';
import type { Task } from '../api/wire.ts';
import { formatAgo, formatElapsed } from '../domain/age.ts';
import { count } from '../domain/count.ts';
import { phaseName } from '../domain/queue-history.ts';
import { taskTone } from '../domain/tone.ts';
import { useNow } from '../hooks/use-now.ts';
import styles from './rows.module.css';
import { ToneLabel } from './tone-dot.tsx';

const COLUMNS = { gridTemplateColumns: 'minmax(0, 1fr) minmax(0, 1.45fr) 92px minmax(0, 1.25fr) 104px' };

export interface TaskRowsProps {
  readonly tasks: readonly Task[];
  /** What they are, for who hears the page. */
  readonly label?: string;
}

/** Tasks in short, each a way to its life. */
export function TaskRows({ tasks, label = 'Tasks' }: TaskRowsProps) {
  const nowMs = useNow();
  return (
    <ul className={styles.rows} aria-label={label}>
      {tasks.map((task) => (
        <li key={task.task_id}>
          <TaskRow {...{ task, nowMs }} />
        </li>
      ))}
    </ul>
  );
}

function TaskRow({ task, nowMs }: { readonly task: Task; readonly nowMs: number }) {
  const { task_id: id, task_type: type, state, agent_id: agentId, error, attempt, max_attempts: most } = task;
  const { warnings } = task;
  return (
    <div className={styles.row} style={COLUMNS}>
      <span className={styles.name}>
        <Link to="/tasks/$taskId" params={{ taskId: id }} data-row>
          {type} {id.slice(-6)}
        </Link>
      </span>
      <span className={styles.cell}>
        {phaseName(task.phase_id)}
        {task.priority > 0 && `, priority ${task.priority}`}
      </span>
      <span>
        <ToneLabel tone={taskTone(state)}>{state}</ToneLabel>
      </span>
      <span className={styles.cell}>
        {(state === 'claimed' || task.finished_at !== null) && agentId !== null && (
          <>
            <Link to="/fleet/$agentId" params={{ agentId }}>
              {agentId}
            </Link>{' '}
          </>
        )}
        {timeOf(task, nowMs)}
      </span>
      <span className={`${styles.cell} ${styles.end}`}>
        {attempt === 0 ? count(most, 'attempt') : `attempt ${attempt} of ${most}`}
      </span>
      {error !== null && <span className={styles.wide}>{error}</span>}
      {warnings.map((warning) => (
        <span className={styles.wide} key={warning}>
          {warning}
        </span>
      ))}
    </div>
  );
}

function timeOf(task: Task, nowMs: number): string {
  const { state, claimed_at: claimedAt, finished_at: finishedAt } = task;
  if (finishedAt !== null) return `ended ${formatAgo(Date.parse(finishedAt), nowMs)}`;
  if (state !== 'claimed') return waitOf(task, nowMs);
  return claimedAt === null ? '' : `for ${formatElapsed(Date.parse(claimedAt), nowMs)}`;
}

/** For how long it has been there, and where it waits for its time since when it may be taken. */
function waitOf(
  { state, enqueued_at: enqueuedAt, available_at: availableAt, parked_at: parkedAt }: Task,
  nowMs: number,
): string {
  if (state === 'parked') return `parked for ${formatElapsed(Date.parse(parkedAt ?? enqueuedAt), nowMs)}`;
  const inMs = Date.parse(availableAt) - nowMs;
  const enqueued = `enqueued ${formatAgo(Date.parse(enqueuedAt), nowMs)}`;
  return inMs > 1_000 ? `${enqueued}, again in ${formatElapsed(nowMs, nowMs + inMs)}` : enqueued;
}
