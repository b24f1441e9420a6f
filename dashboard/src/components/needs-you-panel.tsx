import { useQuery, type UseQueryResult } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import {
  concernsQuery,
  parkedTasksQuery,
  stoppedRollsQuery,
  watchdogQuery,
  type FirstRows,
  type StoppedRoll,
} from '../api/queries.ts';
import { useServer } from '../api/server-context.tsx';
import type { Remediation, Task, WatchdogState } from '../api/wire.ts';
import { formatAge } from '../domain/age.ts';
import { number } from '../domain/count.ts';
import { sentence, words } from '../domain/event-sentence.ts';
import { describeNoDecision } from '../domain/headline.ts';
import { describeAttempts } from '../domain/repair-story.ts';
import type { Tone } from '../domain/tone.ts';
import { useNow } from '../hooks/use-now.ts';
import { usePageSize } from '../hooks/use-page-size.ts';
import { useView } from '../hooks/use-view.ts';
import { More } from './more.tsx';
import styles from './needs-you-panel.module.css';
import { Output } from './output.tsx';
import { Panel } from './panel.tsx';
import { RequestButton } from './request-button.tsx';
import { QueryView } from './query-view.tsx';
import { ToneLabel } from './tone-dot.tsx';
import { TraceLink } from './trace-link.tsx';

export interface NeedsYouPanelProps {
  /** Whether whoever is logged in may decide. */
  readonly mayHandle: boolean;
  /** Alerts that fire and that nobody has acknowledged; null before it is known. */
  readonly unacknowledged: number | null;
}

const FIRST_ROWS = 5;

/**
 * What does not go on without a person: storms, approvals, repairs that were given up or do not last, pools whose new definition
 * does not work, parked tasks.
 */
export function NeedsYouPanel({ mayHandle, unacknowledged }: NeedsYouPanelProps) {
  const { client } = useServer();
  const sizes = {
    approvals: usePageSize(FIRST_ROWS),
    givenUp: usePageSize(FIRST_ROWS),
    relapsing: usePageSize(FIRST_ROWS),
    rolls: usePageSize(FIRST_ROWS),
    parked: usePageSize(FIRST_ROWS),
  };
  const approvals = useQuery(concernsQuery(client, 'state=awaiting_approval', sizes.approvals.rows));
  const givenUp = useQuery(concernsQuery(client, 'concern=given_up', sizes.givenUp.rows));
  const relapsing = useQuery(concernsQuery(client, 'concern=relapsing', sizes.relapsing.rows));
  const rolls = useQuery(stoppedRollsQuery(client, sizes.rolls.rows));
  const parked = useQuery(parkedTasksQuery(client, sizes.parked.rows));
  const watchdog = useQuery(watchdogQuery(client));
  const lists = [approvals, givenUp, relapsing, rolls, parked];
  const storms = watchdog.data?.storms;
  const isEmpty = storms?.length === 0 && lists.every(({ data }) => data?.rows.length === 0);
  return (
    <Panel title="Needs you" note={isEmpty ? describeNoDecision(unacknowledged) : undefined}>
      {!isEmpty && (
        <div className={styles.lists}>
          <Storms watchdog={watchdog.data ?? null} />
          <Items query={approvals} what="awaiting approval" onMore={sizes.approvals.more}>
            {(one) => <Approval key={one.id} remediation={one} mayHandle={mayHandle} />}
          </Items>
          <Items query={givenUp} what="given up" onMore={sizes.givenUp.more}>
            {(one) => <GivenUp key={one.id} remediation={one} mayHandle={mayHandle} />}
          </Items>
          <Items query={relapsing} what="relapsing" onMore={sizes.relapsing.more}>
            {(one) => <Relapsing key={one.id} remediation={one} />}
          </Items>
          <Items query={rolls} what="stopped releases" onMore={sizes.rolls.more}>
            {({ pool, roll }) => <StoppedRelease key={pool.pool_id} pool={pool} roll={roll} />}
          </Items>
          <Items query={parked} what="parked tasks" onMore={sizes.parked.more}>
            {(task) => <ParkedTask key={task.task_id} task={task} mayHandle={mayHandle} />}
          </Items>
        </div>
      )}
    </Panel>
  );
}

/** What fell silent together has a cause that a person has to look for; that it is over the watchdog sees by itself. */
function Storms({ watchdog }: { readonly watchdog: WatchdogState | null }) {
  if (watchdog === null || watchdog.storms.length === 0) return null;
  const { storms, more_storms: more } = watchdog;
  return (
    <ul className={styles.items} aria-label="storms">
      {storms.map(({ domain, reason, since }) => (
        <Item key={domain} tone="caution" label="storm" title={domain} sinceMs={Date.parse(since)}>
          <p className={styles.text}>
            {sentence(reason)} Look at what they share; nobody who is silent there is restarted meanwhile.
          </p>
        </Item>
      ))}
      {more > 0 && <li className={styles.item}>{number(more)} more storms</li>}
    </ul>
  );
}

interface ItemsProps<Row> {
  readonly query: UseQueryResult<FirstRows<Row>>;
  readonly what: string;
  readonly onMore: () => void;
  readonly children: (row: Row) => ReactNode;
}

/** One list of the panel; nothing at all where it is empty. */
function Items<Row>({ query, what, onMore, children }: ItemsProps<Row>) {
  return (
    <QueryView query={query} placeholderLines={1}>
      {({ rows, isWhole }) => (
        <>
          {rows.length > 0 && (
            <ul className={styles.items} aria-label={what}>
              {rows.map(children)}
            </ul>
          )}
          {!isWhole && <More shown={rows.length} total={null} what={what} onMore={onMore} />}
        </>
      )}
    </QueryView>
  );
}

interface ItemProps {
  readonly tone: Tone;
  readonly label: string;
  readonly title: ReactNode;
  readonly sinceMs: number;
  readonly children: ReactNode;
}

function Item({ tone, label, title, sinceMs, children }: ItemProps) {
  const nowMs = useNow();
  return (
    <li className={styles.item} data-row>
      <div className={styles.head}>
        <ToneLabel tone={tone}>{label}</ToneLabel>
        <span className={styles.title}>{title}</span>
        <span className={styles.age}>{formatAge(sinceMs, nowMs)}</span>
      </div>
      {children}
    </li>
  );
}

function Approval({
  remediation,
  mayHandle,
}: {
  readonly remediation: Remediation;
  readonly mayHandle: boolean;
}) {
  const { id, policy, target, planned_at: plannedAt, trace_id: traceId } = remediation;
  const what = `${words(policy)} on ${target.id}`;
  const path = `/api/v1/watchdog/remediations/${encodeURIComponent(id)}`;
  return (
    <Item
      tone="caution"
      label="approve?"
      title={<TargetLink target={target} />}
      sinceMs={Date.parse(plannedAt)}
    >
      <p className={styles.text}>{words(policy)} waits for a yes or no.</p>
      <p className={styles.foot}>
        {mayHandle ? (
          <>
            <RequestButton
              path={`${path}/approve`}
              label="Approve"
              describes={`Approve ${what}`}
              changes={CHANGED}
            />
            <RequestButton
              path={`${path}/reject`}
              label="Reject"
              describes={`Reject ${what}`}
              changes={CHANGED}
            />
          </>
        ) : (
          <span className={styles.soft}>An operator decides.</span>
        )}
        <TraceLink traceId={traceId} of={what} />
      </p>
    </Item>
  );
}

const CHANGED = ['remediations', 'overview'];
const RESTARTED = [...CHANGED, 'agents', 'pools'];

/** Nothing starts an agent again by itself now: whoever has mended the cause does. */
function GivenUp({
  remediation,
  mayHandle,
}: {
  readonly remediation: Remediation;
  readonly mayHandle: boolean;
}) {
  const { policy, target, guardian, reason, ended_at: endedAt, planned_at: plannedAt } = remediation;
  return (
    <Item
      tone="bad"
      label="given up"
      title={<TargetLink target={target} />}
      sinceMs={Date.parse(endedAt ?? plannedAt)}
    >
      <p className={styles.text}>
        {words(policy)} tries no more and has given it to {guardian}: {reason ?? 'no reason was noted'}
      </p>
      <Output text={remediation.last_output} of={target.id} />
      <p className={styles.foot}>
        {mayHandle && target.kind === 'agent' && (
          <RequestButton
            path={`/api/v1/fleet/agents/${encodeURIComponent(target.id)}/restart`}
            body={{ reason: 'restarted in mission control' }}
            label="Restart"
            describes={`Restart ${target.id}`}
            changes={RESTARTED}
          />
        )}
        <TraceLink traceId={remediation.trace_id} of={`${words(policy)} on ${target.id}`} />
      </p>
    </Item>
  );
}

function Relapsing({ remediation }: { readonly remediation: Remediation }) {
  const { policy, target, guardian, ended_at: endedAt, planned_at: plannedAt } = remediation;
  return (
    <Item
      tone="caution"
      label="relapsing"
      title={<TargetLink target={target} />}
      sinceMs={Date.parse(endedAt ?? plannedAt)}
    >
      <p className={styles.text}>
        What {words(policy)} repaired came back after {describeAttempts(remediation) ?? 'a repair'}. When none
        is left, {guardian} have it.
      </p>
      <p className={styles.foot}>
        <TraceLink traceId={remediation.trace_id} of={`${words(policy)} on ${target.id}`} />
      </p>
    </Item>
  );
}

function StoppedRelease({ pool: { pool_id: poolId }, roll: { reason, since, remaining } }: StoppedRoll) {
  const agents = remaining === 1 ? 'agent keeps' : 'agents keep';
  return (
    <Item
      tone="bad"
      label="stopped"
      title={<TargetLink target={{ kind: 'pool', id: poolId }} />}
      sinceMs={Date.parse(since)}
    >
      <p className={styles.text}>
        Its new definition does not work: {sentence(reason)} {number(remaining)} {agents} the old one, and
        what starts gets it. Change the definition to roll again, or set it back.
      </p>
    </Item>
  );
}

function hasProgress({ progress }: Task): boolean {
  return progress !== null && progress !== undefined;
}

function ParkedTask({ task, mayHandle }: { readonly task: Task; readonly mayHandle: boolean }) {
  const { task_id: id, task_type: type, agent_id: agentId, error, parked_at: parkedAt } = task;
  const path = `/api/v1/fleet/tasks/${encodeURIComponent(id)}`;
  const name = `${type} ${id.slice(-6)}`;
  return (
    <Item
      tone="bad"
      label="parked"
      title={agentId === null ? name : <AgentLink agentId={agentId}>{name}</AgentLink>}
      sinceMs={Date.parse(parkedAt ?? task.enqueued_at)}
    >
      <p className={styles.text}>{error ?? 'It ended its holders too often.'}</p>
      {hasProgress(task) && (
        <p className={styles.text}>
          It said last how far it was: <code>{JSON.stringify(task.progress)}</code>
        </p>
      )}
      <Output text={task.last_output} of={name} />
      {mayHandle ? (
        <p className={styles.foot}>
          <RequestButton path={`${path}/retry`} label="Retry" describes={`Retry ${name}`} changes={TASKS} />
          <RequestButton
            path={`${path}/cancel`}
            label="Cancel"
            describes={`Cancel ${name}`}
            changes={TASKS}
          />
        </p>
      ) : (
        <p className={styles.soft}>An operator may retry or cancel it.</p>
      )}
    </Item>
  );
}

const TASKS = ['parked', 'agents'];

function TargetLink({ target }: { readonly target: Remediation['target'] }) {
  const { changed } = useView();
  if (target.kind === 'agent') return <AgentLink agentId={target.id}>{target.id}</AgentLink>;
  return (
    <Link to="." search={changed({ pool: target.id })} resetScroll={false}>
      pool {target.id}
    </Link>
  );
}

function AgentLink({ agentId, children }: { readonly agentId: string; readonly children: ReactNode }) {
  const { changed } = useView();
  return (
    <Link to="." search={changed({ agent: agentId })} resetScroll={false}>
      {children}
    </Link>
  );
}
