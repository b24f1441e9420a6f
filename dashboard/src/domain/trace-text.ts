import { words } from './event-sentence.ts';
import type { Tone } from './tone.ts';

/** What the API says a trace is about. */
export interface ToldAbout {
  readonly rule_id: string | null;
  readonly agent_id: string | null;
  readonly pool_id: string | null;
  readonly generation: number | null;
  readonly policy: string | null;
  readonly outcome: string | null;
  readonly metric_name: string | null;
  readonly integration: string | null;
  readonly task_type: string | null;
}

export interface TraceText {
  /** What it is about. */
  readonly title: string;
  /** What was done, and how it ended; null where nothing more is known. */
  readonly detail: string | null;
  readonly tone: Tone;
}

const GOOD: ReadonlySet<string> = new Set(['healed', 'recovered', 'remediated']);

/** Tells what a trace is about, so that one is told from the other. */
export function describeTrace(trace: {
  readonly name: string;
  readonly error_count: number;
  readonly about: ToldAbout;
}): TraceText {
  const { about, name, error_count: errors } = trace;
  const { rule_id: ruleId, agent_id: agentId, pool_id: poolId, policy, outcome, metric_name: metric } = about;
  const failed = errors > 0;
  const plain: Tone = failed ? 'bad' : 'calm';
  if (ruleId !== null || policy !== null) {
    const rule = ruleId === null ? words(policy ?? '') : ruleId.slice(ruleId.lastIndexOf('/') + 1);
    const subject = agentId ?? poolId ?? about.task_type ?? metric;
    return {
      title: subject === null ? rule : `${rule} of ${subject}`,
      detail:
        policy === null ? words(outcome ?? 'no end yet') : `${words(policy)}: ${words(outcome ?? 'goes on')}`,
      tone: toneOf(outcome, plain),
    };
  }
  if (name === 'fleet.spawn' && agentId !== null) {
    const parts = [
      about.generation === null ? null : `generation ${about.generation}`,
      poolId === null ? null : `of pool ${poolId}`,
    ].filter((part) => part !== null);
    return { title: `${agentId} was started`, detail: parts.join(' ') || null, tone: plain };
  }
  if (metric !== null) return { title: `Anomaly of ${metric}`, detail: null, tone: plain };
  if (about.integration !== null)
    return { title: `Message to ${about.integration}`, detail: null, tone: plain };
  const by = [about.task_type, agentId, poolId].filter((part) => part !== null).join(', ');
  return { title: name, detail: by || null, tone: plain };
}

function toneOf(outcome: string | null, otherwise: Tone): Tone {
  if (outcome === null) return otherwise;
  return GOOD.has(outcome) ? 'good' : 'caution';
}
