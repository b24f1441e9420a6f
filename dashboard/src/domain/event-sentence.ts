import type { SystemEvent } from '#api';
import { formatDuration } from './age.ts';
import { subjectOf } from './alert-text.ts';
import { count } from './count.ts';
import { agentTone, remediationTone, severityTone, type Tone } from './tone.ts';

/** An event as one line of the feed. */
export interface EventSentence {
  readonly text: string;
  readonly tone: Tone;
}

/** Tells an event in one sentence, the thing first. */
export function describeEvent(event: SystemEvent): EventSentence {
  const told = describe(event);
  return told ?? { text: `${event.entity_id}: ${event.event_type}`, tone: 'gone' };
}

/** Undefined for a type that this dashboard is too old to know. */
function describe(event: SystemEvent): EventSentence | undefined {
  switch (event.event_type) {
    case 'monitor.anomaly.detected': {
      const { metric_name: metric, kind, score } = event.payload;
      return { text: `${metric} shows a ${words(kind)}, score ${score.toFixed(1)}`, tone: 'caution' };
    }
    case 'monitor.anomaly.closed': {
      const { metric_name: metric, duration_ms: durationMs } = event.payload;
      return { text: `${metric} is normal again after ${formatDuration(durationMs)}`, tone: 'good' };
    }
    case 'monitor.alert.triggered': {
      const { severity } = event.payload;
      return { text: `${alertName(event.payload)} fires (${severity})`, tone: severityTone(severity) };
    }
    case 'monitor.alert.acknowledged': {
      const { acknowledged_by: by, note } = event.payload;
      return { text: `${alertName(event.payload)} acknowledged by ${by}${noted(note)}`, tone: 'busy' };
    }
    case 'monitor.alert.snoozed': {
      const { snoozed_by: by, until, note } = event.payload;
      const forMs = Math.round((Date.parse(until) - Date.parse(event.at)) / 1000) * 1000;
      const text = `${alertName(event.payload)} snoozed for ${formatDuration(forMs)} by ${by}${noted(note)}`;
      return { text, tone: 'busy' };
    }
    case 'monitor.alert.unsnoozed': {
      const { unsnoozed_by: by } = event.payload;
      const ended = by === null ? 'is no longer snoozed: its time is over' : `is no longer snoozed, by ${by}`;
      return { text: `${alertName(event.payload)} ${ended}`, tone: 'caution' };
    }
    case 'monitor.alert.commented': {
      const { commented_by: by, text } = event.payload;
      return { text: `${by} on ${alertName(event.payload)}: ${text}`, tone: 'busy' };
    }
    case 'monitor.alert.assigned': {
      const { assigned_to: to, assigned_by: by } = event.payload;
      return { text: `${alertName(event.payload)} assigned to ${to ?? 'nobody'} by ${by}`, tone: 'busy' };
    }
    case 'monitor.alert.escalated':
      return { text: `${alertName(event.payload)} escalated to ${event.payload.to}`, tone: 'bad' };
    case 'monitor.alert.resolved': {
      const { cause, duration_ms: durationMs } = event.payload;
      return {
        text: `${alertName(event.payload)} resolved after ${formatDuration(durationMs)}: ${words(cause)}`,
        tone: cause === 'recovered' || cause === 'remediated' ? 'good' : 'caution',
      };
    }
    case 'notification.delivered': {
      const { answer } = event.payload;
      return { text: `${messageName(event.payload)} delivered: ${answer}`, tone: 'good' };
    }
    case 'notification.failed': {
      const { attempts, error } = event.payload;
      const text = `${messageName(event.payload)} given up after ${count(attempts, 'attempt')}: ${error}`;
      return { text, tone: 'bad' };
    }
    case 'notification.escalated': {
      const { escalation, step, receiver, alerts } = event.payload;
      return {
        text: `Nobody has acknowledged ${count(alerts, 'alert')}: step ${step} of ${escalation} tells ${receiver}`,
        tone: 'bad',
      };
    }
    case 'notification.on_call.overridden': {
      const { schedule, person, created_by: by, removed_by: remover } = event.payload;
      return remover === null
        ? { text: `${person} stands in for ${schedule}, says ${by}`, tone: 'busy' }
        : { text: `${person} no longer stands in for ${schedule}, says ${remover}`, tone: 'gone' };
    }
    case 'notification.held_and_healed': {
      const { target, summary } = event.payload;
      const subject = target.slice(target.indexOf(':') + 1);
      return { text: `Nobody was woken for ${subject}: ${summary}`, tone: 'good' };
    }
    case 'notification.silence.created': {
      const { set_by: by, comment } = event.payload;
      return { text: `${silenceName(event.payload)} is silenced by ${by}: ${comment}`, tone: 'caution' };
    }
    case 'notification.silence.changed':
      return {
        text: `${silenceName(event.payload)}: its silence was changed by ${event.payload.set_by}`,
        tone: 'caution',
      };
    case 'notification.silence.ending':
      return { text: `${silenceName(event.payload)}: its silence ends soon`, tone: 'caution' };
    case 'notification.silence.expired': {
      const { ended_by: by, replaced_by: other } = event.payload;
      if (other !== null)
        return { text: `${silenceName(event.payload)}: another silence took its place`, tone: 'gone' };
      return {
        text: `${silenceName(event.payload)} is silenced no more${by === null ? '' : `, by ${by}`}`,
        tone: 'good',
      };
    }
    case 'watchdog.remediation.started':
      return { text: `${repairName(event.payload)} starts`, tone: 'repair' };
    case 'watchdog.remediation.changed': {
      const { to } = event.payload;
      return { text: `${repairName(event.payload)} is ${words(to)}`, tone: remediationTone(to, null) };
    }
    case 'watchdog.remediation.completed': {
      const { outcome } = event.payload;
      return { text: `${repairName(event.payload)}: ${words(outcome)}`, tone: remediationTone('', outcome) };
    }
    case 'watchdog.remediation.suppressed': {
      const { guard } = event.payload;
      return { text: `${repairName(event.payload)} held back by the guard ${words(guard)}`, tone: 'caution' };
    }
    case 'watchdog.escalated':
      return { text: `Handed to ${event.payload.guardian}: ${event.payload.reason}`, tone: 'bad' };
    case 'watchdog.state.changed': {
      const { state, active, reason } = event.payload;
      return {
        text: `Watchdog ${active ? '' : 'no longer '}${STATES[state]}: ${reason}`,
        tone: active ? 'caution' : 'good',
      };
    }
    case 'watchdog.storm.changed': {
      const { domain, active, reason } = event.payload;
      return {
        text: `Storm in ${domain}${active ? '' : ' over'}: ${reason}`,
        tone: active ? 'caution' : 'good',
      };
    }
    case 'watchdog.maintenance.started': {
      const { target, started_by: by, reason } = event.payload;
      return { text: `${target} is under maintenance by ${by}: ${reason}`, tone: 'caution' };
    }
    case 'watchdog.maintenance.ended': {
      const { target, ended_by: by } = event.payload;
      return {
        text: `Maintenance of ${target} ended ${by === null ? 'by itself' : `by ${by}`}`,
        tone: 'good',
      };
    }
    case 'fleet.agent.registered':
      return { text: `${agentName(event.payload)} registered`, tone: 'good' };
    case 'fleet.agent.status_changed': {
      const { from, to, reason } = event.payload;
      if (from === 'NONE') return { text: firstStatus(event.payload), tone: agentTone(to) };
      return {
        text: `${agentName(event.payload)} ${from} → ${to}: ${reasonWords(reason)}`,
        tone: agentTone(to),
      };
    }
    case 'fleet.agent.spawned':
      return {
        text: `${agentName(event.payload)} spawned: ${reasonWords(event.payload.reason)}`,
        tone: 'busy',
      };
    case 'fleet.agent.exited': {
      // The next generation may run already: which one has gone is always said.
      const { agent_id: agent, generation, exit_code: code, signal, expected } = event.payload;
      return {
        text: `${agent} (generation ${generation}) exited (${signal ?? code ?? 'unknown'})`,
        tone: expected ? 'gone' : 'bad',
      };
    }
    case 'fleet.agent.heartbeat_missed':
      return {
        text: `${agentName(event.payload)} missed ${count(event.payload.missed, 'heartbeat')}`,
        tone: 'caution',
      };
    case 'fleet.agent.restart_requested':
      return {
        text: `${agentName(event.payload)} is to restart, asked by ${asker(event.payload.requested_by)}`,
        tone: 'repair',
      };
    case 'fleet.agent.drain_requested':
      return {
        text: `${agentName(event.payload)} is asked to leave by ${asker(event.payload.requested_by)}`,
        tone: 'gone',
      };
    case 'fleet.agent.deregistered':
      return { text: `${agentName(event.payload)} left: ${words(event.payload.reason)}`, tone: 'gone' };
    case 'fleet.pool.changed': {
      const { pool_id: pool, effective, reason } = event.payload;
      return {
        text: `${pool} should have ${count(effective, 'agent')}: ${reasonWords(reason)}`,
        tone: 'busy',
      };
    }
    case 'fleet.pool.roll_changed': {
      const { pool_id: pool, state, reason } = event.payload;
      return { text: `${pool} ${ROLLS[state].text}: ${words(reason)}`, tone: ROLLS[state].tone };
    }
    case 'fleet.pool.spawn_failed':
      return {
        text: `${event.payload.pool_id} could not start an agent: ${event.payload.error}`,
        tone: 'bad',
      };
    case 'fleet.task.enqueued':
      return { text: `${taskName(event.payload)} enqueued`, tone: 'gone' };
    case 'fleet.task.claimed':
      return { text: `${taskName(event.payload)} claimed by ${event.payload.agent_id}`, tone: 'gone' };
    case 'fleet.task.completed': {
      const { agent_id: agent, duration_ms: durationMs } = event.payload;
      return {
        text: `${taskName(event.payload)} done by ${agent} in ${formatDuration(durationMs)}`,
        tone: 'good',
      };
    }
    case 'fleet.task.failed': {
      const { error, will_retry: retried } = event.payload;
      return {
        text: `${taskName(event.payload)} failed${retried ? ', will be retried' : ' for good'}: ${error}`,
        tone: retried ? 'caution' : 'bad',
      };
    }
    case 'fleet.task.cancelled':
      return { text: `${taskName(event.payload)} cancelled`, tone: 'gone' };
    case 'fleet.task.released':
      return {
        text: `${taskName(event.payload)} back in the queue: ${words(event.payload.reason)}`,
        tone: 'caution',
      };
    case 'fleet.task.blamed': {
      const { agent_id: agent, generation } = event.payload;
      return {
        text: `${taskName(event.payload)} explains why ${agent} (generation ${generation}) ended`,
        tone: 'caution',
      };
    }
    case 'fleet.task.parked':
      return { text: `${taskName(event.payload)} parked: ${event.payload.error}`, tone: 'bad' };
    case 'fleet.task.retried': {
      const { from, retried_by: by } = event.payload;
      return { text: `${taskName(event.payload)} was ${from} and is queued again: ${by}`, tone: 'caution' };
    }
    case 'fleet.task.refused': {
      const { agent_id: agent, generation, operation, reason } = event.payload;
      return {
        text: `${agent} (generation ${generation}) may not ${words(operation)} ${taskName(event.payload)}: ${words(reason)}`,
        tone: 'caution',
      };
    }
    default:
      return undefined;
  }
}

const ROLLS = {
  rolling: { text: 'is brought to its new definition', tone: 'busy' },
  stopped: { text: 'is brought no further to its new definition', tone: 'bad' },
  completed: { text: 'has its new definition', tone: 'good' },
} as const;

const STATES = {
  storm: 'in a storm',
  paused: 'paused',
  self_suspicion: 'suspecting itself',
} as const;

function alertName(payload: {
  readonly rule_id: string;
  readonly labels: Readonly<Record<string, string>>;
}): string {
  const name = payload.rule_id.slice(payload.rule_id.indexOf('/') + 1);
  const subject = subjectOf(payload.labels);
  return subject === null ? name : `${name} of ${subject}`;
}

function noted(note: string | undefined): string {
  return note === undefined ? '' : `: ${note}`;
}

/** `mail/email/0` is the receiver, the kind of integration and its place among those of its kind. */
function messageName(payload: {
  readonly receiver: string;
  readonly integration: string;
  readonly reason: string;
  readonly alerts: number;
}): string {
  const { receiver, integration, reason, alerts } = payload;
  const [kind = ''] = integration.slice(receiver.length + 1).split('/');
  const by = kind === '' || kind === receiver ? '' : ` by ${kind}`;
  return `Message to ${receiver}${by} about ${count(alerts, 'alert')} (${messageReason(reason)})`;
}

/** Why a message was sent, as people say it. */
export function messageReason(reason: string): string {
  return reason === 'brief' ? 'came and went' : words(reason);
}

function silenceName({ matchers }: { readonly matchers: readonly string[] }): string {
  return matchers.join(' or ');
}

/** A target reads `agent:coders-2`; what it is, its name says well enough. */
function repairName(payload: { readonly policy: string; readonly target: string }): string {
  return `${words(payload.policy)} on ${payload.target.slice(payload.target.indexOf(':') + 1)}`;
}

function agentName(payload: { readonly agent_id: string; readonly generation: number }): string {
  return payload.generation > 1 ? `${payload.agent_id} (generation ${payload.generation})` : payload.agent_id;
}

function taskName(payload: { readonly task_type: string; readonly task_id: string }): string {
  return `${payload.task_type} ${payload.task_id.slice(-6)}`;
}

/** Who is new has left no status for this one. */
function firstStatus(payload: {
  readonly agent_id: string;
  readonly generation: number;
  readonly to: string;
  readonly reason: string;
}): string {
  const { to, reason } = payload;
  const how = to === 'SPAWNING' ? 'spawning' : `registered as ${to}`;
  const why = reason === 'registered' ? '' : `: ${reasonWords(reason)}`;
  return `${agentName(payload)} ${how}${why}`;
}

/** `watchdog:restart_stalled_agent` is the watchdog under a policy; a person is told by name. */
export function asker(requestedBy: string): string {
  const [, policy] = /^watchdog:(.+)$/.exec(requestedBy) ?? [];
  return policy === undefined ? requestedBy : `the watchdog (${words(policy)})`;
}

/** `restart_stalled_agent for AgentStalled`: a policy and what it is for, the one as people write it. */
export function reasonWords(reason: string): string {
  const [, policy, rule] = /^([a-z0-9_]+) for (\S+)$/.exec(reason) ?? [];
  return policy === undefined || rule === undefined ? words(reason) : `${words(policy)} for ${rule}`;
}

/** `no_effect` as people write it; what is no single code word is left as it is. */
export function words(code: string): string {
  return /^[a-z0-9_]+$/.test(code) ? code.replaceAll('_', ' ') : code;
}

/**
 * How long an agent has been as it is, and why: `heartbeats missed, for 3 s`. With work and without it takes turns many
 * times a second, which is no change of how it is.
 */
export function describeStatus(
  { status, status_reason: reason }: { readonly status: string; readonly status_reason: string },
  age: string,
): string {
  const well = status === 'IDLE' || status === 'RUNNING';
  return well ? `well for ${age}: ${reasonWords(reason)}` : `${reasonWords(reason)}, for ${age}`;
}

/** With a full stop at its end, and one alone: what servers say ends with one or not. */
export function sentence(text: string): string {
  return /[.!?…]$/.test(text) ? text : `${text}.`;
}
