import { Link } from '@tanstack/react-router';
import type { Agent } from '../api/wire.ts';
import { beatText } from '../domain/agent-facts.ts';
import { words } from '../domain/event-sentence.ts';
import { agentTone } from '../domain/tone.ts';
import { isSick } from '../domain/whole-fleet.ts';
import { useView } from '../hooks/use-view.ts';
import styles from './agent-tile.module.css';
import { ToneDot } from './tone-dot.tsx';

export interface AgentTileProps {
  readonly agent: Agent;
  /** Whether it is left alone for a while, by itself or with its host. */
  readonly isMaintained: boolean;
  /** What a click opens: its details beside the page, or its own page. */
  readonly opens?: 'drawer' | 'page';
}

/** One agent: its state, its generation, its last sign of life and its work. Opens its details. */
export function AgentTile({ agent, isMaintained, opens = 'drawer' }: AgentTileProps) {
  const { changed } = useView();
  const tone = agentTone(agent.status);
  const work = isSick(agent) ? words(agent.status_reason) : (agent.working_on ?? idleText(agent));
  const status = isMaintained ? 'maintenance' : agent.status.toLowerCase();
  const beat = beatText(agent);
  return (
    <Link
      className={styles.tile}
      data-row
      data-tone={tone}
      {...(opens === 'page'
        ? ({ to: '/fleet/$agentId', params: { agentId: agent.agent_id } } as const)
        : ({ to: '.', search: changed({ agent: agent.agent_id }), resetScroll: false } as const))}
      aria-label={nameOf(agent, { work, status, beat, isMaintained })}
    >
      <span className={styles.head}>
        <ToneDot tone={tone} />
        <span className={styles.name}>{agent.agent_id}</span>{' '}
        {agent.generation > 1 && <span className={styles.generation}>gen {agent.generation}</span>}
      </span>{' '}
      <span className={styles.middle}>
        <span className={styles.work} data-idle={agent.tasks_held === 0} title={work}>
          {work}
        </span>
      </span>{' '}
      <span className={styles.foot}>
        <span className={styles.status}>{status}</span> <span className={styles.beat}>{beat}</span>
      </span>
    </Link>
  );
}

interface TileTexts {
  readonly work: string;
  readonly status: string;
  readonly beat: string;
  readonly isMaintained: boolean;
}

/** What the tile shows, in the same words and order, for who says its name; then what is told by its place alone. */
function nameOf(
  { agent_id: id, generation }: Agent,
  { work, status, beat, isMaintained }: TileTexts,
): string {
  const shown = [id, ...(generation > 1 ? [`gen ${generation}`] : []), work, status, beat];
  return [...shown, `generation ${generation}`, ...(isMaintained ? ['under maintenance'] : [])].join(', ');
}

/** What an agent does that holds no task. */
function idleText({ status }: Agent): string {
  if (status === 'SPAWNING') return 'starting up';
  return status === 'IDLE' ? 'waiting for work' : 'no task';
}
