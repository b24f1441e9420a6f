import {
  elapsedMs,
  formatTime,
  leftMs,
  type Moment,
  type PersistedDuration,
  type RemediationOutcome,
} from '#telemetry';
import type { AgentFacts, AlertFacts, PoolFacts } from '../ports.ts';
import type { Remediation } from './remediation.ts';

/** An alert may flutter while its remediation takes hold; only a change beyond this share counts as worse. */
const WORSENED_SHARE = 0.5;

/** What has become of a step whose effect is watched. */
export type Verdict =
  | { readonly kind: 'open'; readonly leftMs: number }
  /** The time is over, and the alert's value moves the right way: it gets as much time again. */
  | { readonly kind: 'improving'; readonly value: number }
  /** It is known what came of it. */
  | { readonly kind: 'over'; readonly outcome: RemediationOutcome; readonly reason: string }
  /** It did not help. */
  | { readonly kind: 'ineffective'; readonly outcome: 'worsened' | 'no_effect'; readonly reason: string };

/** The target is nobody's to repair any more. */
type Withdrawal = Extract<Verdict, { kind: 'over' }>;

/** For how long this server has been there to see what becomes of steps, ms. */
interface Watched {
  readonly watchedForMs: number;
}

/** What a restart is judged by. */
export interface RestartEvidence extends Watched {
  readonly remediation: Pick<Remediation, 'generation' | 'value_before' | VerificationTime>;
  /** Null where its record is gone. */
  readonly alert: AlertFacts | null;
  /** Null where the fleet knows it no more. */
  readonly agent: AgentFacts | null;
  /** For how long its present generation has been seen to be well, ms; null where it is not. */
  readonly wellForMs: number | null;
  /** For how long it has to be. */
  readonly healthyForMs: number;
}

/** What a change of a pool's size is judged by. */
export interface ScaleEvidence extends Watched {
  readonly remediation: Pick<Remediation, 'value_before' | VerificationTime>;
  readonly alert: AlertFacts | null;
  /** Null where the pool is gone. */
  readonly pool: Pick<PoolFacts, 'running' | 'spawning'> | null;
}

type VerificationTime = 'verify_until_ms' | 'updated_at_ms' | 'boot_ms' | 'boot_id';

/**
 * A restart has worked where the new generation is ready for work or does some, has stayed so for a while, and the
 * symptom's own signal is back. That the alert is over proves nothing alone: the restart itself ends it.
 */
export function judgeRestart(evidence: RestartEvidence, now: Moment): Verdict {
  const { remediation, alert, agent, wellForMs, healthyForMs } = evidence;
  const ended = isOver(alert) ? endOf(alert) : null;
  if (ended && ended.outcome !== 'healed') return { kind: 'over', ...ended };
  const generation = remediation.generation ?? 0;
  const left = unseenLeftMs(evidence, now);
  if (agent && agent.generation >= generation) {
    // A one-shot has done what it was started for.
    if (hasFinished(agent) && ended) {
      const reason = `generation ${agent.generation} has finished its work; ${ended.reason}`;
      return { kind: 'over', outcome: 'healed', reason };
    }
    const withdrawn = hasFinished(agent) && left > 0 ? null : withdrawalOf(agent);
    if (withdrawn) return withdrawn;
    if (agent.status === 'FAILED') {
      const reason = `generation ${agent.generation} has failed: ${agent.statusReason}`;
      return ineffective(evidence, reason);
    }
  }
  if (!agent || agent.generation < generation || wellForMs === null) {
    if (agent && isOnItsWay(agent, generation))
      return { kind: 'open', leftMs: Math.max(left, LOOK_AT_STARTING_EVERY_MS) };
    if (left > 0) return { kind: 'open', leftMs: left };
    const state = agent ? `generation ${agent.generation} is ${agent.status}` : 'the agent is unknown';
    return ineffective(evidence, `${state}, and was to be healthy by now`);
  }
  // Whoever came up in time may show that it stays up.
  if (wellForMs < healthyForMs) return { kind: 'open', leftMs: healthyForMs - wellForMs };
  if (!ended) {
    const signalLeft = Math.max(left, leftOfLateMs(remediation, wellForMs, now));
    if (signalLeft > 0) return { kind: 'open', leftMs: signalLeft };
    return ineffective(
      evidence,
      `the alert still fires, though generation ${agent.generation} is ${agent.status}`,
    );
  }
  const health = `generation ${agent.generation} is ${agent.status}, healthy for ${formatTime(healthyForMs)}`;
  return { kind: 'over', outcome: 'healed', reason: `${health}; ${ended.reason}` };
}

/** More replicas have worked where they run and the alert is over; or, as long as its value gets better, are given time. */
export function judgeScale(evidence: ScaleEvidence, now: Moment): Verdict {
  const { remediation, alert, pool } = evidence;
  const left = unseenLeftMs(evidence, now);
  if (isOver(alert)) {
    const ended = endOf(alert);
    if (ended.outcome !== 'healed') return { kind: 'over', ...ended };
    const { running = 0, spawning = 0 } = pool ?? {};
    if (running > 0 && spawning === 0) {
      return { kind: 'over', outcome: 'healed', reason: `${running} replicas run; ${ended.reason}` };
    }
    if (left > 0) return { kind: 'open', leftMs: left };
    const reason = `${ended.reason}, but only ${running} replicas run and ${spawning} are not up`;
    return { kind: 'over', outcome: 'unknown', reason };
  }
  if (left > 0) return { kind: 'open', leftMs: left };
  if (change(remediation.value_before, alert) < 0) return { kind: 'improving', value: alert.value };
  return ineffective(evidence, 'the alert still fires after scale');
}

/** What is left of the time that a step has to take effect, ms. */
export function verificationLeftMs(remediation: Pick<Remediation, VerificationTime>, now: Moment): number {
  return leftMs(verificationOf(remediation), now);
}

/** Of the time in which nobody looked, as much as it takes to see how it stands now is given once more. */
export const maxSecondLookMs = 10_000;

/**
 * What is left until a step that has shown no effect is taken to have none, ms. Its time goes on while Omoi is down, but then
 * nobody evaluates rules or hears agents: what stands in the database is how it was before.
 */
function unseenLeftMs(
  { remediation, watchedForMs }: { readonly remediation: Pick<Remediation, VerificationTime> } & Watched,
  now: Moment,
): number {
  const { lengthMs } = verificationOf(remediation);
  return Math.max(verificationLeftMs(remediation, now), Math.min(lengthMs, maxSecondLookMs) - watchedForMs);
}

function verificationOf({
  verify_until_ms: untilMs,
  updated_at_ms: wallMs,
  boot_ms: bootMs,
  boot_id: bootId,
}: Pick<Remediation, VerificationTime>): PersistedDuration {
  return { start: { wallMs, bootMs, bootId }, lengthMs: Math.max(0, (untilMs ?? 0) - wallMs) };
}

/**
 * Whether the generation is being started, or the one before it finishes its work: both take as long as the pool allows
 * (`start_within` and one TTL, `grace`), and the fleet sees to it that they end.
 */
function isOnItsWay({ generation: present, status, drains }: AgentFacts, generation: number): boolean {
  return present < generation ? drains : status === 'SPAWNING';
}

/** A change of its status is looked at when it comes. */
const LOOK_AT_STARTING_EVERY_MS = 30_000;

/** What is left for the signal of one that came up when its time was over already: as long as it had to come up, ms. */
function leftOfLateMs(
  remediation: Pick<Remediation, VerificationTime>,
  wellForMs: number,
  now: Moment,
): number {
  const { start, lengthMs } = verificationOf(remediation);
  return elapsedMs(start, now) - wellForMs > lengthMs ? Math.max(0, lengthMs - wellForMs) : 0;
}

function ineffective(
  { remediation, alert }: Pick<ScaleEvidence, 'remediation' | 'alert'>,
  reason: string,
): Verdict {
  const { value_before: before } = remediation;
  const hasWorsened =
    !isOver(alert) && before !== null && change(before, alert) > Math.abs(before) * WORSENED_SHARE;
  return { kind: 'ineffective', outcome: hasWorsened ? 'worsened' : 'no_effect', reason };
}

/**
 * By how much a value has become worse, by the direction of the rule's comparison; negative where it is better, 0 where
 * nobody can say.
 */
function change(before: number | null, { value, worse }: AlertFacts): number {
  if (before === null || worse === null || Number.isNaN(value)) return 0;
  return worse === 'higher' ? value - before : before - value;
}

function isOver(alert: AlertFacts | null): alert is null | (AlertFacts & { readonly state: 'resolved' }) {
  return !alert || alert.state === 'resolved';
}

/** What an alert's end says of the repair: only a recovery is the signal's own return. */
function endOf(alert: AlertFacts | null): {
  readonly outcome: 'healed' | 'cancelled' | 'unknown';
  readonly reason: string;
} {
  const cause = alert?.cause ?? null;
  const reason = `the alert resolved: ${cause ?? 'its record is gone'}`;
  if (cause === 'recovered' || cause === 'remediated') return { outcome: 'healed', reason };
  return { outcome: cause === 'manual' ? 'cancelled' : 'unknown', reason };
}

/**
 * What a step that did not help has come to, where its alert ended before the next one was done: nothing, where the generation
 * that it brought has ended. Which of the two came first says nothing about the step.
 */
export function outcomeBetweenSteps(
  { generation }: Pick<Remediation, 'generation'>,
  { alert, agent }: { readonly alert: AlertFacts | null; readonly agent: AgentFacts | null },
): 'no_effect' | 'unknown' {
  const isEndedByStep = endOf(alert).outcome === 'healed';
  const hasEndedAgain = agent?.status === 'FAILED' && agent.generation >= (generation ?? 0);
  return isEndedByStep && hasEndedAgain ? 'no_effect' : 'unknown';
}

/** The fleet's word for a one-shot that has ended with status 0. */
const FINISHED = 'finished';

function hasFinished({ status, statusReason }: AgentFacts): boolean {
  return status === 'TERMINATED' && statusReason === FINISHED;
}

/** An agent that ended on purpose meanwhile, or that somebody took out of work or asked to leave, is not ours to judge. */
export function withdrawalOf({ status, statusReason, generation, leaves }: AgentFacts): Withdrawal | null {
  const how = withdrawnHow({ status, leaves });
  if (how === null) return null;
  const reason = `generation ${generation} is ${status} (${statusReason}): ${how}`;
  return { kind: 'over', outcome: 'cancelled', reason };
}

function withdrawnHow({ status, leaves }: Pick<AgentFacts, 'status' | 'leaves'>): string | null {
  if (status === 'TERMINATED') return 'it ended on purpose';
  if (status === 'QUARANTINED') return 'somebody took it out of work';
  return leaves ? 'it was asked to leave' : null;
}

export function healthyForMsOf(healthyForMs: number | undefined, agent: AgentFacts | null): number {
  if (healthyForMs !== undefined) return healthyForMs;
  if (!agent?.beatsForItself) return UNHEARD_HEALTHY_FOR_MS;
  return Math.max(MIN_HEALTHY_FOR_MS, 2 * agent.heartbeatIntervalMs);
}

/** Where somebody else beats for the process its beats say less. */
const UNHEARD_HEALTHY_FOR_MS = 5000;
const MIN_HEALTHY_FOR_MS = 1000;
