import { Link } from '@tanstack/react-router';
import type { Agent, Task } from '../api/wire.ts';
import { formatDuration } from '../domain/age.ts';
import { count, words } from '../domain/event-sentence.ts';
import { agentTone } from '../domain/tone.ts';
import { useView } from '../hooks/use-view.ts';
import styles from './agent-tile.module.css';
import { ToneDot } from './tone-dot.tsx';

export interface AgentTileProps {
  readonly agent: Agent;
  /** What it works on; null: nothing. */
  readonly task: Task | null;
  /** Whether it is left alone for a while, by itself or with its host. */
  readonly isMaintained: boolean;
}

/** One agent: its state, its generation, its last sign of life and its work. Opens its details. */
export function AgentTile({ agent, task, isMaintained }: AgentTileProps) {
  const { changed } = useView();
  const tone = agentTone(agent.status);
  // Agents and tasks are read one after the other: the task may be one that came or went in between.
  const work = task === null || agent.tasks_held === 0 ? idleText(agent) : task.task_type;
  return (
    <Link
      className={styles.tile}
      data-tone={tone}
      to="/"
      search={changed({ agent: agent.agent_id })}
      resetScroll={false}
      aria-label={`${agent.agent_id}, ${agent.status.toLowerCase()}, generation ${agent.generation}, ${work}${isMaintained ? ', under maintenance' : ''}`}
    >
      <span className={styles.head}>
        <ToneDot tone={tone} />
        <span className={styles.name}>{agent.agent_id}</span>
      </span>
      <span className={styles.middle}>
        <span className={styles.work} data-idle={agent.tasks_held === 0}>
          {work}
        </span>
        {agent.generation > 1 && <span className={styles.generation}>gen {agent.generation}</span>}
      </span>
      <span className={styles.foot}>
        <span className={styles.status}>{isMaintained ? 'maintenance' : agent.status.toLowerCase()}</span>
        <span className={styles.beat}>{beatText(agent)}</span>
      </span>
    </Link>
  );
}

/** What an agent does of which no task is known: it holds none, or one of so many that not all were read. */
function idleText({ status, tasks_held: held }: Agent): string {
  if (held > 0) return `holds ${count(held, 'task')}`;
  if (status === 'SPAWNING') return 'starting up';
  return status === 'IDLE' ? 'waiting for work' : 'no task';
}

/** Under two seconds the age would only flicker. */
function beatText({
  status,
  status_reason: reason,
  heartbeat_age_ms: ageMs,
  heartbeats_missed: missed,
}: Agent): string {
  if (status === 'FAILED' || status === 'TERMINATED' || status === 'STALLED') return words(reason);
  if (ageMs === null) return 'no beat yet';
  if (missed > 0) return `${missed} missed`;
  return ageMs < 2_000 ? 'beat now' : `beat ${formatDuration(ageMs)} ago`;
}
