import type { ExplainAnswer } from '../api/wire.ts';
import { formatMoment } from './age.ts';
import { count } from './count.ts';
import { sentence, words } from './event-sentence.ts';
import type { Tone } from './tone.ts';

export type ExplainedDecision = ExplainAnswer['decisions'][number];
export type ExplainedMessage = ExplainAnswer['messages'][number];

interface Explained {
  readonly decisions: readonly ExplainedDecision[];
  readonly messages: readonly ExplainedMessage[];
}

/** `143 decisions and 140 messages between the first and the newest are not shown.` Said where something is left out. */
export function describeLeftOut({
  decisions = 0,
  messages,
  at_least: isMore,
}: {
  readonly decisions?: number;
  readonly messages: number;
  readonly at_least: boolean;
}): string {
  const counts = [
    ...(decisions > 0 ? [count(decisions, 'decision')] : []),
    ...(messages > 0 ? [count(messages, 'message')] : []),
  ];
  const are = decisions + messages === 1 ? 'is' : 'are';
  return `${isMore ? 'At least ' : ''}${counts.join(' and ')} between the first and the newest ${are} not shown.`;
}

export interface Told {
  /** Sentences: who was told, and why others were not. */
  readonly text: string;
  readonly tone: Tone;
}

/** Whether anybody was told of an alert, and why not where nobody was. */
export function describeTold({ decisions, messages }: Explained): Told {
  const delivered = receiversOf(messages, 'delivered');
  const waiting = messages.find(({ state }) => state === 'pending');
  const failed = messages.findLast(({ state }) => state === 'failed');
  const waits = waiting === undefined ? '' : ` ${describeWaiting(waiting)}`;
  if (delivered.length > 0) {
    const gaveUp =
      failed !== undefined && !delivered.includes(failed.receiver) ? ` ${describeFailed(failed)}` : '';
    return { text: `${listed(delivered)} ${were(delivered)} told.${waits}${gaveUp}`, tone: 'good' };
  }
  if (waiting !== undefined) {
    const gaveUp =
      failed === undefined || failed.receiver === waiting.receiver ? '' : ` ${describeFailed(failed)}`;
    return { text: `Nobody has been told yet.${waits}${gaveUp}`, tone: gaveUp === '' ? 'caution' : 'bad' };
  }
  if (failed !== undefined) return { text: `Nobody was told. ${describeFailed(failed)}`, tone: 'bad' };
  const last = decisions.at(-1);
  if (last === undefined) return { text: 'Nothing has been decided about it.', tone: 'gone' };
  if (last.stage === 'routing') {
    return { text: 'Nobody has been told yet: its group waits for what else may come.', tone: 'calm' };
  }
  const isHeld = last.stage === 'hold' && last.decision === 'kept back';
  return {
    text: `Nobody ${isHeld ? 'has been told yet' : 'was told'}: ${sentence(last.reason)}`,
    tone: isHeld ? 'calm' : 'caution',
  };
}

function receiversOf(messages: readonly ExplainedMessage[], state: ExplainedMessage['state']): string[] {
  return [...new Set(messages.filter((one) => one.state === state).map(({ receiver }) => receiver))];
}

function describeWaiting({ integration, attempts, answer, held_until: heldUntil }: ExplainedMessage): string {
  if (attempts === 0 && heldUntil !== null) {
    return `It is beyond the rate limit of ${integration}, and goes into its next digest.`;
  }
  if (attempts === 0) return `A message to ${integration} is on its way.`;
  const said = answer === null ? '' : `: ${answer}`;
  return sentence(`A message to ${integration} waits after ${count(attempts, 'attempt')}${said}`);
}

function describeFailed({ integration, answer, failure }: ExplainedMessage): string {
  return sentence(`${integration} did not take its message: ${answer ?? words(failure ?? 'unknown')}`);
}

function listed(names: readonly string[]): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}

function were(names: readonly string[]): string {
  return names.length === 1 ? 'was' : 'were';
}

/** The stages on the way from an alert to a message, as people call them; another is called by its own name. */
const STAGES: ReadonlyMap<string, string> = new Map([
  ['routing', 'Route'],
  ['inhibition', 'Inhibition'],
  ['active_time', 'Active time'],
  ['mute_time', 'Mute time'],
  ['silence', 'Silence'],
  ['maintenance', 'Maintenance'],
  ['snooze', 'Snooze'],
  ['hold', 'Repair first'],
  ['dedup', 'Repetition'],
  ['delivery', 'Message'],
  ['escalation', 'Escalation'],
]);

/** What a stage decided, as a sentence. */
export function describeDecision({ stage, decision, reason }: ExplainedDecision): {
  readonly stage: string;
  readonly text: string;
  readonly tone: Tone;
} {
  const told = stage === 'routing' ? `${decision} ${readableWay(reason)}` : `${decision}: ${reason}`;
  return {
    stage: STAGES.get(stage) ?? words(stage),
    text: sentence(upper(told)),
    tone: decisionTone(decision),
  };
}

/**
 * `to pager by the route {}/{team="web"}, in the group {}/{team="web"}:{host="a"}`, without the keys of route and group:
 * `to pager by the route for team="web", in the group of host="a"`. What reads otherwise is left as it is.
 */
function readableWay(reason: string): string {
  const [, before, route = '', group = ''] =
    /^(.* by the route )(\{.*), in the group (\{.*)$/s.exec(reason) ?? [];
  if (before === undefined || !group.startsWith(`${route}:`)) return reason;
  const steps = route
    .split('/{')
    .slice(1)
    .map((step) => step.replace(/\}$/, ''));
  const way = steps.length === 0 ? 'for every alert' : `for ${steps.join(', ')}`;
  const labels = group.slice(route.length + 1).replace(/^\{(.*)\}$/s, '$1');
  return `${before}${way}, in ${labels === '' ? 'the one group of that route' : `the group of ${labels}`}`;
}

function decisionTone(decision: string): Tone {
  switch (decision) {
    case 'kept back':
    case 'left out':
      return 'caution';
    case 'queued':
      return 'good';
    case 'not sent':
      return 'gone';
    default:
      return 'calm';
  }
}

function upper(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** A piece of a reason: what it names can be gone to. */
export type ReasonPart =
  | { readonly kind: 'text' | 'time'; readonly text: string }
  | { readonly kind: 'alert' | 'repair'; readonly text: string };

const NAMED = /(alrt_[0-9A-Za-z]+|rem_[0-9A-Za-z]+|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)/;

/** A reason by its parts; times are told by the clock on the wall. */
export function reasonParts(reason: string, nowMs: number): readonly ReasonPart[] {
  return reason
    .split(NAMED)
    .filter((text) => text !== '')
    .map((text): ReasonPart => {
      if (text.startsWith('alrt_')) return { kind: 'alert', text };
      if (text.startsWith('rem_')) return { kind: 'repair', text };
      return NAMED.test(text)
        ? { kind: 'time', text: formatMoment(Date.parse(text), nowMs) }
        : { kind: 'text', text };
    });
}
