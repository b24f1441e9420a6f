import type { AgentRecord, GenerationRow, ReplicaView, TaskRow } from '#fleet';
import { formatTime, toRfc3339, type AgentStatus } from '#telemetry';
import type { Evidence, Verdict } from './why-schemas.ts';

interface DomainHealth {
  readonly name: string;
  readonly agents: number;
  readonly silent: number;
}

/** What the fleet knows of an agent. */
export interface KnownAgent extends AgentRecord {
  /** Newest first. */
  readonly generations: readonly GenerationRow[];
  /** Its unit, where Omoi starts it. */
  readonly replica: ReplicaView | null;
  /** What it holds, some of it. */
  readonly held: readonly TaskRow[];
  /** Its failure domains, the narrowest first; none where it ended long ago. */
  readonly domains: readonly DomainHealth[];
}

const VERDICTS: Readonly<Record<AgentStatus, Verdict>> = {
  SPAWNING: 'starting',
  IDLE: 'well',
  RUNNING: 'well',
  DEGRADED: 'ill',
  STALLED: 'ill',
  UNRESPONSIVE: 'ill',
  FAILED: 'ill',
  QUARANTINED: 'out_of_service',
  TERMINATED: 'ended',
};

export function verdictOf(status: AgentStatus, alerts: number): Verdict {
  const verdict = VERDICTS[status];
  return verdict === 'well' && alerts > 0 ? 'alerting' : verdict;
}

/** `demo-2 is UNRESPONSIVE for 4s: heartbeats missed` */
export function summaryOf({ row, live }: AgentRecord, nowMs: number): string {
  const age = ageOf(row.status_since_ms, nowMs);
  return `${row.agent_id} is ${live?.status ?? row.status} for ${age}: ${row.status_reason.replaceAll('_', ' ')}`;
}

/** What an agent's status rests on, the most telling first. */
export function evidenceOf(agent: KnownAgent, nowMs: number): readonly Evidence[] {
  const { domains, held } = agent;
  const all: readonly (Evidence | null)[] = [
    exitOf(agent, nowMs),
    heartbeatOf(agent),
    processOf(agent, nowMs),
    activityOf(agent),
    workOf(agent, nowMs),
    ...held.map((task) => leaseOf(task, nowMs)),
    ...domains.map((domain) => domainOf(domain, agent)),
  ];
  return all.filter((one) => one !== null);
}

/** How its newest generation that has ended did so. */
function exitOf({ generations }: KnownAgent, nowMs: number): Evidence | null {
  const ended = generations.find(({ ended_at_ms: endedAtMs }) => endedAtMs !== null);
  if (!ended || ended.ended_at_ms === null) return null;
  const { generation, exit_code: code, exit_signal: signal, opened_at_ms: openedAtMs } = ended;
  const unseen = ended.registered_at_ms === null ? 'no process that anybody saw' : 'no exit that anybody saw';
  const how = signal ?? (code === null ? unseen : `exit code ${code}`);
  const lived = formatTime(ended.ended_at_ms - openedAtMs);
  const ago = ageOf(ended.ended_at_ms, nowMs);
  return { kind: 'exit', text: `generation ${generation} ended ${ago} ago with ${how}, after ${lived}` };
}

function heartbeatOf({ live, pace }: KnownAgent): Evidence | null {
  if (!live || live.status === 'FAILED' || live.status === 'TERMINATED') return null;
  const { heartbeatAgeMs: ageMs, heartbeatsMissed: missed } = live;
  const heard =
    ageMs === null ? 'no heartbeat of this generation yet' : `last heartbeat ${formatTime(ageMs)} ago`;
  const late = missed === 0 ? '' : `, ${missed} missed`;
  const rule = `due every ${formatTime(pace.intervalMs)}, silent after ${formatTime(pace.ttlMs)}`;
  const by = live.evidenceTold ? '; another process beats for it' : '';
  return { kind: 'heartbeat', text: `${heard}${late} (${rule})${by}` };
}

function processOf({ row, live, replica }: KnownAgent, nowMs: number): Evidence {
  if (row.managed === 0)
    return { kind: 'process', text: 'external: Omoi did not start it and cannot restart it' };
  if (!replica) return { kind: 'process', text: 'Omoi runs it, and has no process of it' };
  const { generation, pid, host, unit, startedAtMs, killAtMs, desiredState, startError } = replica;
  if (unit !== 'running') {
    const toCome =
      startError === null
        ? 'is to be started'
        : `could not be started, and is tried again and again: ${startError}`;
    return {
      kind: 'process',
      text: `the process of generation ${generation} ${unit === 'ended' ? 'has ended' : toCome}`,
    };
  }
  const since = startedAtMs === null ? '' : ` for ${ageOf(startedAtMs, nowMs)}`;
  const asked = desiredState === 'run' ? '' : '; it was asked to end';
  const killed = killAtMs === null ? '' : ` and is killed at ${toRfc3339(killAtMs)}`;
  const where = host === null ? (pid === null ? ' on another machine' : '') : ` on ${host}`;
  const process = pid === null ? 'a process' : `process ${pid}`;
  const seen = live?.isElsewhere ? '; the server can neither look at it nor signal it' : '';
  const text = `${process} of generation ${generation} runs${where}${since}${asked}${killed}${seen}`;
  return { kind: 'process', text };
}

const ACTIVITIES = {
  at_work: 'its process tree used CPU or made I/O within a heartbeat TTL, while it holds work',
  busy: 'its process tree used CPU or made I/O, and it holds no work',
  unseen: 'it holds work, and its processes have still to be looked at',
  stopped: 'its process is stopped (state T)',
  traced: 'a debugger holds its process (state t): it is left alone until that lets it go',
  no_progress:
    'its process tree used no CPU, waited for none and made no I/O for a heartbeat TTL, while it holds work',
  no_activity:
    'its process tree put nothing out, used no CPU, waited for none and made no I/O for as long as it may (--stall-after, or stall_after of its pool)',
} as const;

function isActivity(reason: string): reason is keyof typeof ACTIVITIES {
  return Object.hasOwn(ACTIVITIES, reason);
}

function activityOf({ row, live }: KnownAgent): Evidence | null {
  if (!live || live.status === 'FAILED' || live.status === 'TERMINATED') return null;
  if (live.evidence !== null) return { kind: 'activity', text: ACTIVITIES[live.evidence] };
  // After a stall of Omoi all silence is counted anew; what an agent was judged by is true until it shows otherwise.
  const judgedBy = live.status === 'STALLED' ? row.status_reason : '';
  if (isActivity(judgedBy)) return { kind: 'activity', text: ACTIVITIES[judgedBy] };
  if (live.heartbeatsMissed === 0) return null;
  return { kind: 'activity', text: 'its processes show nothing that counts as work' };
}

function workOf({ live }: KnownAgent, nowMs: number): Evidence | null {
  const lostTaskId = live?.clingsTo ?? null;
  if (lostTaskId !== null) {
    const text = `says that it still works on task ${lostTaskId}, or on as much as before that was taken from it: it keeps a place for which no task is claimed`;
    return { kind: 'work', text };
  }
  const seenAtMs = live?.workSeenAtMs ?? null;
  if (seenAtMs === null) return null;
  return { kind: 'work', text: `its work was last seen to go on ${ageOf(seenAtMs, nowMs)} ago` };
}

function leaseOf(
  { task_id: id, task_type: type, lease_until_ms: untilMs }: TaskRow,
  nowMs: number,
): Evidence {
  const leased = untilMs === null ? 'leased' : `leased for ${formatTime(untilMs - nowMs)} more`;
  const text = `holds task ${id} (${type}), ${leased}; a lease alone is no sign of life`;
  return { kind: 'lease', text };
}

/** Silent is who is UNRESPONSIVE, nobody else: how this one counts is said where it has missed beats itself. */
function domainOf({ name, agents, silent }: DomainHealth, { live }: KnownAgent): Evidence {
  if (agents === 1) return { kind: 'domain', text: `it is the only agent of its failure domain ${name}` };
  const text = `${silent} of ${agents} agents of its failure domain ${name} ${silent === 1 ? 'is' : 'are'} UNRESPONSIVE`;
  if (live?.status === 'UNRESPONSIVE') return { kind: 'domain', text: `${text}, this one among them` };
  if (!live || live.heartbeatsMissed === 0) return { kind: 'domain', text };
  return { kind: 'domain', text: `${text}; this one is ${live.status}, and not counted there` };
}

function ageOf(atMs: number, nowMs: number): string {
  return formatTime(nowMs - atMs);
}
