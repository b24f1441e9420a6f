import { Link } from '@tanstack/react-router';
import type { Agent, Task } from '../api/wire.ts';
import { formatDuration } from '../domain/age.ts';
import { agentTone } from '../domain/tone.ts';
import { useView } from '../hooks/use-view.ts';
import styles from './agent-tile.module.css';
import { ToneDot } from './tone-dot.tsx';

export interface AgentTileProps {
  readonly agent: Agent;
  /** What it works on; null: nothing. */
  readonly task: Task | null;
  /** How long ago the agent was read, ms: its heartbeat has aged by as much. */
  readonly readAgoMs: number;
}

/** One agent: its state, its generation, its last sign of life and its work. Opens its details. */
export function AgentTile({ agent, task, readAgoMs }: AgentTileProps) {
  const { changed } = useView();
  const tone = agentTone(agent.status);
  const work = task === null ? idleText(agent.status) : task.task_type;
  return (
    <Link
      className={styles.tile}
      data-tone={tone}
      to="/"
      search={changed({ agent: agent.agent_id })}
      resetScroll={false}
      aria-label={`${agent.agent_id}, ${agent.status.toLowerCase()}, generation ${agent.generation}, ${work}`}
    >
      <span className={styles.head}>
        <ToneDot tone={tone} />
        <span className={styles.name}>{agent.agent_id}</span>
      </span>
      <span className={styles.middle}>
        <span className={styles.work} data-idle={task === null}>
          {work}
        </span>
        {agent.generation > 1 && <span className={styles.generation}>gen {agent.generation}</span>}
      </span>
      <span className={styles.foot}>
        <span className={styles.status}>{agent.status.toLowerCase()}</span>
        <span className={styles.beat}>{beatText(agent, readAgoMs)}</span>
      </span>
    </Link>
  );
}

function idleText(status: string): string {
  switch (status) {
    case 'SPAWNING':
      return 'starting up';
    case 'IDLE':
      return 'waiting for work';
    default:
      return 'no task';
  }
}

/** Under two seconds the age would only flicker. */
function beatText(agent: Agent, readAgoMs: number): string {
  if (agent.heartbeat_age_ms === null) return 'no beat yet';
  const ageMs = agent.heartbeat_age_ms + readAgoMs;
  const age = ageMs < 2_000 ? 'beat now' : `beat ${formatDuration(ageMs)} ago`;
  return agent.heartbeats_missed > 0 ? `${agent.heartbeats_missed} missed, ${age}` : age;
}
