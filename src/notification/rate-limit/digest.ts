import { formatDuration, toRfc3339, type Labels } from '#telemetry';
import type { MessageMember, Notification } from '../outbox/outbox-rows.ts';
import type { RunningIntegration } from '../outbox/running-integration.ts';
import { truncateCharacters } from '../receivers/truncation.ts';

/** A digest names so many groups, the first ones … */
export const maxGroupsInDigest = 20;
/** … and so many repairs that spared a page, the newest. */
export const maxHealedInDigest = 20;
/** So many messages are looked at between two pauses. */
const messagesPerPiece = 100;
/** The key of a group may be as long as its labels. */
const maxNameCharacters = 120;

/** A repair that spared its alert's page. */
export interface HealedLine {
  readonly labels: Labels;
  /** `healed by restart in 2.1 s` */
  readonly summary: string;
}

export interface DigestFacts {
  readonly id: string;
  readonly running: RunningIntegration;
  /** What is held, in the order in which it was decided; at least one. */
  readonly held: readonly Notification[];
  readonly healed: readonly HealedLine[];
  readonly nowMs: number;
}

interface Counts {
  firing: number;
  over: number;
}

/**
 * One message in the place of those that a rate limit has held: all their alerts, those that fire first, as far as its integration takes
 * them, and a note that counts them by group.
 */
export function* digestOf({ id, running, held, healed, nowMs }: DigestFacts): Generator<void, Notification> {
  const groups = new Map<string, Counts>();
  // An alert may be in several groups that tell one receiver: what was decided last is so.
  const members = new Map<string, number | null>();
  let unnamed = 0;
  let looked = 0;
  for (const message of held) {
    if (++looked % messagesPerPiece === 0) yield;
    const counts = groups.get(message.groupKey) ?? { firing: 0, over: 0 };
    groups.set(message.groupKey, counts);
    for (const [alertId, endsAtMs] of message.members) {
      members.set(alertId, endsAtMs);
      if (endsAtMs === null) counts.firing++;
      else counts.over++;
    }
    unnamed += message.truncated;
  }
  const all: readonly MessageMember[] = [...members];
  const firing = all.filter(([, endsAtMs]) => endsAtMs === null);
  const over = all.filter(([, endsAtMs]) => endsAtMs !== null);
  const named = [...firing, ...over].slice(0, running.integration.maxAlerts);
  const head =
    `Digest of ${amount(held.length, 'message', 'messages')} ${limitOf(running)} since ` +
    `${toRfc3339(held[0]?.createdAtMs ?? nowMs)}: ${amount(groups.size, 'group', 'groups')}, ${countsText({ firing: firing.length, over: over.length })}` +
    `${unnamed === 0 ? '' : `, and ${unnamed} more that no message named`}.`;
  return {
    id,
    groupId: digestGroupId(id),
    groupKey: `digest:${running.key}`,
    receiver: running.receiver,
    integration: running.key,
    reason: 'digest',
    members: named,
    truncated: all.length - named.length + unnamed,
    groupLabels: {},
    routeLabels: {},
    note: [
      ...(running.note === null ? [] : [running.note]),
      head,
      ...groupLines(groups),
      ...healedLines(healed),
    ].join('\n'),
    severity: null,
    firing: new Set(),
    resolved: new Set(),
    createdAtMs: Math.floor(nowMs),
    traceparent: held.find(({ traceparent }) => traceparent !== null)?.traceparent ?? null,
  };
}

/** Each is a group of its own: nothing is known of it later. */
function digestGroupId(id: string): string {
  return `digest ${id}`;
}

function limitOf({ rateLimit }: RunningIntegration): string {
  return rateLimit === null
    ? 'held'
    : `beyond ${amount(rateLimit.messages, 'message', 'messages')} in ${formatDuration(rateLimit.perMs)}`;
}

function groupLines(groups: ReadonlyMap<string, Counts>): readonly string[] {
  const lines = [...groups]
    .slice(0, maxGroupsInDigest)
    .map(
      ([groupKey, counts]) => `${truncateCharacters(groupKey, maxNameCharacters)}: ${countsText(counts)}.`,
    );
  const others = groups.size - lines.length;
  return others > 0 ? [...lines, `and ${amount(others, 'more group', 'more groups')}.`] : lines;
}

function healedLines(healed: readonly HealedLine[]): readonly string[] {
  const lines = healed
    .slice(0, maxHealedInDigest)
    .map(({ labels, summary }) => `${nameOf(labels)}: ${summary}, nobody was paged.`);
  const others = healed.length - lines.length;
  return others > 0 ? [...lines, `and ${others} more were healed without a page.`] : lines;
}

/** `WorkerHung agent_id=w-1` */
function nameOf(labels: Labels): string {
  const { alertname = 'an alert', severity: _, ...others } = labels;
  const rest = Object.entries(others).map(([name, value]) => `${name}=${value}`);
  return truncateCharacters([alertname, ...rest].join(' '), maxNameCharacters);
}

function countsText({ firing, over }: Counts): string {
  if (over === 0) return `${firing} firing`;
  return firing === 0 ? `${over} over` : `${firing} firing, ${over} over`;
}

function amount(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}
