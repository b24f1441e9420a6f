import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { heldTasksQuery } from '../api/queries.ts';
import { useServer } from '../api/server-context.tsx';
import type { Agent, Pool, Why } from '../api/wire.ts';
import { formatElapsed } from '../domain/age.ts';
import { factsOf } from '../domain/agent-facts.ts';
import { asker, describeStatus, reasonWords, sentence, words } from '../domain/event-sentence.ts';
import { describeLife } from '../domain/generations.ts';
import { describeHeldTask, describeTimeLimits } from '../domain/held-task.ts';
import { describeAttempts, describeHold } from '../domain/repair-story.ts';
import { agentTone } from '../domain/tone.ts';
import { traceIdOf } from '../domain/trace-id.ts';
import { useNow } from '../hooks/use-now.ts';
import { usePageSize } from '../hooks/use-page-size.ts';
import styles from './agent-story.module.css';
import { More } from './more.tsx';
import { Output } from './output.tsx';
import { ToneLabel } from './tone-dot.tsx';
import { TraceLink } from './trace-link.tsx';

/** As many as the server tells with why an agent stands as it does. */
const shownTasks = 10;

/** How it stands, and for how long. */
export function AgentStatus({ agent }: { readonly agent: Agent }) {
  const nowMs = useNow();
  return (
    <p className={styles.status}>
      <ToneLabel tone={agentTone(agent.status)}>{agent.status.toLowerCase()}</ToneLabel>
      <span>{describeStatus(agent, formatElapsed(Date.parse(agent.status_since), nowMs))}</span>
    </p>
  );
}

/** What it is. */
export function AgentFactList({ agent, pools }: { readonly agent: Agent; readonly pools: readonly Pool[] }) {
  const nowMs = useNow();
  return (
    <dl className={styles.facts}>
      {[...factsOf(agent, nowMs), ...limitsOf(agent, pools)].map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** What it works on, for how long already, and for how long it may. */
export function HeldTasks({ why: { agent, held_tasks: first } }: { readonly why: Why }) {
  const nowMs = useNow();
  const { client } = useServer();
  const { agent_id: agentId, tasks_held: total } = agent;
  const size = usePageSize(shownTasks);
  const wantsMore = size.rows > shownTasks;
  const more = useQuery({ ...heldTasksQuery(client, agentId, size.rows), enabled: wantsMore });
  const rows = wantsMore && more.data ? more.data.rows : first;
  if (rows.length === 0) return <p className={styles.calm}>It holds no task.</p>;
  return (
    <>
      <ul className={styles.advice} aria-label={`Tasks of ${agentId}`}>
        {rows.map((task) => {
          const { name, text, isOver } = describeHeldTask(task, nowMs);
          return (
            <li key={task.task_id}>
              {isOver && <ToneLabel tone="caution">over its limit</ToneLabel>}{' '}
              <Link to="/tasks/$taskId" params={{ taskId: task.task_id }}>
                {name}
              </Link>{' '}
              {text}
            </li>
          );
        })}
      </ul>
      {total > rows.length && <More shown={rows.length} total={total} what="tasks" onMore={size.more} />}
    </>
  );
}

/** What its status rests on, and what holds repairs of it back. */
export function AgentEvidence({ why: { evidence, watchdog } }: { readonly why: Why }) {
  return (
    <dl className={styles.facts}>
      {evidence.map(({ kind, text }) => (
        <div key={`${kind} ${text}`}>
          <dt>{words(kind)}</dt>
          <dd>{text}</dd>
        </div>
      ))}
      {watchdog.map(({ state, reason }) => (
        <div key={state}>
          <dt>{words(state)}</dt>
          <dd>{reason}</dd>
        </div>
      ))}
    </dl>
  );
}

/** What a person can do, in the words of the server. */
export function AgentAdvice({ why: { advice } }: { readonly why: Why }) {
  if (advice.length === 0) return <p className={styles.calm}>Nothing is to be done.</p>;
  return (
    <ul className={styles.advice}>
      {advice.map((one) => (
        <li key={one}>{one}</li>
      ))}
    </ul>
  );
}

/** Its newest repair in a sentence. */
export function LastRepair({ why: { remediations, no_repair: none } }: { readonly why: Why }) {
  const nowMs = useNow();
  const [last] = remediations;
  if (!last)
    return <p className={styles.calm}>{none === null ? 'None so far.' : sentence(`None: ${none}`)}</p>;
  const { policy, state, outcome, reason, suppressions } = last;
  const how = `${words(policy)}: ${words(outcome ?? state)}`;
  const attempts = describeAttempts(last);
  const tried = attempts === null ? how : `${how}, ${attempts}`;
  const why = reason === null ? tried : `${tried}, because ${reason}`;
  const told = [
    why,
    describeHold(suppressions, nowMs),
    none === null ? null : `none of what fires now: ${none}`,
  ];
  return (
    <p className={styles.calm}>
      {told
        .filter((part) => part !== null)
        .map(sentence)
        .join(' ')}
    </p>
  );
}

/** The processes or sessions that it was, the newest first. */
export function Generations({ why }: { readonly why: Why }) {
  const nowMs = useNow();
  return (
    <ol className={styles.generations}>
      {why.generations.map((generation) => (
        <Generation key={generation.generation} agent={why.agent} {...{ generation, nowMs }} />
      ))}
    </ol>
  );
}

function limitsOf(
  { pool_id: poolId }: Agent,
  pools: readonly Pool[],
): readonly (readonly [string, string])[] {
  const pool = pools.find((one) => one.pool_id === poolId);
  const limits = pool ? describeTimeLimits(pool) : null;
  return limits === null ? [] : [['Time limits', limits]];
}

interface GenerationProps {
  readonly agent: Pick<Agent, 'agent_id' | 'generation'>;
  readonly generation: Why['generations'][number];
  readonly nowMs: number;
}

function Generation({
  agent: { agent_id: agentId, generation: newest },
  generation,
  nowMs,
}: GenerationProps) {
  const { generation: number, reason, requested_by: by } = generation;
  return (
    <li className={styles.generation}>
      <span className={styles.number}>{number}</span>
      <span>
        {reasonWords(reason)}, asked by {asker(by)}
        <span className={styles.life}>{describeLife(generation, { newest, nowMs })}</span>
        <Output text={generation.last_output} of={`generation ${number} of ${agentId}`} />
      </span>
      <TraceLink traceId={traceIdOf(generation.traceparent)} of={`generation ${number} of ${agentId}`} />
    </li>
  );
}
