import { formatDuration, type SystemEvent } from '#telemetry';
import { z } from 'zod';
import { printable } from './query/printable.ts';
import { lastLines } from './tasks.ts';
import { tellsOf } from './follow-rows.ts';
import { showWhole } from './nouns/shown.ts';
import { readFrom, serverOf, type FollowFlags } from './server-client.ts';

const nullableText = z.string().nullable();

export const remediation = z.object({
  policy: z.string(),
  state: z.string(),
  outcome: nullableText,
  reason: nullableText,
  attempts: z.number(),
  max_attempts: z.number(),
  guardian: z.string(),
  evidence: nullableText,
  verifies: nullableText,
  verify_until: nullableText,
  last_output: nullableText,
  planned_at: z.string(),
  actions: z.array(
    z.object({
      action: z.string(),
      result: nullableText,
      detail: nullableText,
      passed_guards: z.array(z.object({ guard: z.string(), saw: z.string() })),
    }),
  ),
  suppressions: z.array(
    z.object({
      guard: z.string(),
      reason: z.string(),
      holds: z.boolean(),
      lifts: z.string(),
      until: nullableText,
    }),
  ),
});
type Remediation = z.output<typeof remediation>;

/** What `omoi why` shows of the server's answer. */
const why = z.object({
  at: z.string(),
  verdict: z.string(),
  summary: z.string(),
  agent: z.object({
    agent_type: z.string(),
    pool_id: nullableText,
    managed: z.boolean(),
    generation: z.number(),
  }),
  generations: z.array(
    z.object({
      generation: z.number(),
      ended_at: nullableText,
      exit_code: z.number().nullable(),
      exit_signal: nullableText,
      last_output: nullableText,
    }),
  ),
  evidence: z.array(z.object({ kind: z.string(), text: z.string() })),
  alerts: z.array(
    z.object({
      rule_id: z.string(),
      severity: z.string(),
      fired_at: z.string(),
      value: z.string(),
      acknowledged_by: nullableText,
      policies: z.array(z.object({ policy: z.string(), mode: z.string() })),
    }),
  ),
  remediations: z.array(remediation),
  /** Unknown to a server of an earlier version. */
  no_repair: z.string().nullish(),
  watchdog: z.array(z.object({ state: z.string(), reason: z.string(), until: nullableText })),
  parked_tasks: z.array(
    z.object({ task_id: z.string(), task_type: z.string(), error: nullableText, last_output: nullableText }),
  ),
  advice: z.array(z.string()),
});
export type Why = z.output<typeof why>;

/** `omoi why AGENT`: how it stands with an agent, what that rests on, what is done about it, and what holds that back. */
export async function explainAgent(agentId: string, flags: FollowFlags): Promise<void> {
  const server = serverOf(flags);
  await showWhole(flags, {
    ask: () => readFrom(server, `/api/v1/fleet/agents/${encodeURIComponent(agentId)}/why`),
    linesOf: (answer) => linesOf(why.parse(answer)),
    types: ['fleet.agent', 'monitor.alert', 'watchdog'],
    isMeant: mayChange(agentId),
  });
}

/** What holds repairs back everywhere changes the answer for each agent. */
function mayChange(agentId: string): (event: SystemEvent) => boolean {
  const isAbout = tellsOf(agentId);
  const alertAbout = z.object({ labels: z.object({ agent_id: z.literal(agentId) }) });
  return (event) =>
    isAbout(event) || EVERYWHERE.test(event.event_type) || alertAbout.safeParse(event.payload).success;
}

const EVERYWHERE = /^watchdog\.(state|storm|maintenance)/;

/** The answer as it is read in a terminal. */
export function linesOf(answer: Why): readonly string[] {
  const { agent, summary } = answer;
  const nowMs = Date.parse(answer.at);
  const origin = agent.managed ? 'started by Omoi' : 'external';
  const place = agent.pool_id === null ? 'no pool' : `pool ${agent.pool_id}`;
  return [
    printable(summary),
    `  ${agent.agent_type}, ${place}, generation ${agent.generation}, ${origin}`,
    ...section(
      'Evidence',
      answer.evidence.map(({ kind, text }) => `${kind.padEnd(9)}  ${printable(text)}`),
    ),
    ...outputSection(answer.generations),
    ...section(
      'Alerts',
      answer.alerts.map((alert) => alertLine(alert, nowMs)),
      'none fires about it',
    ),
    ...section('Repairs', repairsSection(answer, nowMs), 'none was needed'),
    ...section(
      'Held back in its failure domain',
      answer.watchdog.map((hold) => holdLine(hold, nowMs)),
    ),
    ...section('Parked tasks', answer.parked_tasks.flatMap(parkedLines)),
    ...section('What you can do', answer.advice.map(printable), 'nothing is to be done'),
  ];
}

function section(title: string, lines: readonly string[], empty?: string): readonly string[] {
  if (lines.length === 0 && empty === undefined) return [];
  return ['', title, ...(lines.length === 0 ? [empty ?? ''] : lines).map((line) => `  ${line}`)];
}

/** What its newest generation that has ended left behind; of older ones the API tells. */
function outputSection(generations: Why['generations']): readonly string[] {
  const last = generations.find(
    ({ ended_at: at, last_output: text }) => at !== null && lastLines(text).length > 0,
  );
  if (!last) return [];
  const how = last.exit_signal ?? last.exit_code ?? 'unknown';
  const lines = lastLines(last.last_output).map((line) => printable(`| ${line}`));
  return section(`Last output of generation ${last.generation}, which ended with ${how}`, lines);
}

function alertLine(alert: Why['alerts'][number], nowMs: number): string {
  const { rule_id: rule, severity, policies, value, acknowledged_by: by } = alert;
  const seen = by === null ? '' : `, acknowledged by ${by}`;
  const who = policies.length === 0 ? 'no policy is for it' : policies.map(told).join(', ');
  return printable(
    `${rule}  ${severity}, fires for ${ageOf(alert.fired_at, nowMs)} with ${value}${seen}; ${who}`,
  );
}

function told({ policy, mode }: Why['alerts'][number]['policies'][number]): string {
  return `${policy} (${mode})`;
}

/** The repairs, and why there is none of what fires now where there is none. */
function repairsSection({ remediations, no_repair: none }: Why, nowMs: number): readonly string[] {
  const lines = remediations.flatMap((one) => repairLines(one, nowMs));
  if (none === null || none === undefined) return lines;
  return [...lines, printable(`${lines.length === 0 ? 'none' : 'none of what fires now'}: ${none}`)];
}

export function repairLines(one: Remediation, nowMs: number): readonly string[] {
  const { state, outcome, evidence, verifies, verify_until: until } = one;
  const how = outcome === null || outcome === state ? state : `${state}, ${outcome}`;
  const none = state === 'escalated' ? 'no further attempt' : 'no attempt yet';
  const tried = one.attempts === 0 ? none : `attempt ${one.attempts}`;
  const attempts = `${tried} of ${one.max_attempts}, then ${one.guardian}`;
  const lines = [`${one.policy}  ${how}, planned ${ageOf(one.planned_at, nowMs)} ago; ${attempts}`];
  if (evidence !== null) lines.push(`  on: ${evidence}`);
  for (const { action, result, detail, passed_guards: passed } of one.actions) {
    if (passed.length > 0) {
      const width = Math.max(...passed.map(({ guard }) => guard.length));
      lines.push('  let pass by:', ...passed.map(({ guard, saw }) => `    ${guard.padEnd(width)}  ${saw}`));
    }
    lines.push(`  did: ${action}${detail === null ? '' : `: ${detail}`} (${result ?? 'under way'})`);
  }
  if (state === 'verifying' && verifies !== null) {
    lines.push(`  verifies: ${verifies}${deadlineText(until, nowMs)}`);
  }
  for (const { guard, reason, holds, lifts, until: heldUntil } of one.suppressions) {
    if (!holds) continue;
    const when = heldUntil === null ? lifts : `in ${untilText(heldUntil, nowMs)}`;
    lines.push(`  held by ${guard}: ${reason}; lifts ${when}`);
  }
  const passed = one.suppressions.filter(({ holds }) => !holds).map(({ guard }) => guard);
  if (passed.length > 0) lines.push(`  was held by: ${passed.join(', ')}`);
  if (one.reason !== null) lines.push(`  because: ${one.reason}`);
  const output = lastLines(one.last_output);
  if (output.length > 0) lines.push('  last output:', ...output.map((line) => `    | ${line}`));
  return lines.map(printable);
}

/** A verification goes on behind its end while the pool still lets the agent start, or finish. */
function deadlineText(until: string | null, nowMs: number): string {
  if (until === null) return '';
  if (Date.parse(until) <= nowMs) return ', for as long as the pool lets it start or finish';
  return `, within ${untilText(until, nowMs)}`;
}

function holdLine({ state, reason, until }: Why['watchdog'][number], nowMs: number): string {
  return printable(`${state}: ${reason}${until === null ? '' : `; ends in ${untilText(until, nowMs)}`}`);
}

function parkedLines(task: Why['parked_tasks'][number]): readonly string[] {
  const { task_id: id, task_type: type, error, last_output: output } = task;
  return [`${id}  ${type}  ${error ?? ''}`, ...lastLines(output).map((line) => `  | ${line}`)].map(printable);
}

function ageOf(at: string, nowMs: number): string {
  return wholeSeconds(nowMs - Date.parse(at));
}

function untilText(at: string, nowMs: number): string {
  return wholeSeconds(Date.parse(at) - nowMs);
}

/** To the second: more would only flicker. */
function wholeSeconds(durationMs: number): string {
  return formatDuration(Math.max(0, Math.round(durationMs / 1000)) * 1000);
}
