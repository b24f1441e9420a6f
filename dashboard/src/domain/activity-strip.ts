import type { SystemEvent } from '#api';

/** A change of an agent's status, as its event tells it. */
export interface StatusChange {
  readonly atMs: number;
  /** `NONE` where the agent is new. */
  readonly from: string;
  readonly to: string;
}

/** A time in which an agent was in one status; `WELL`: it worked or waited for work, which no event tells apart. */
export interface StatusSpan {
  readonly status: string;
  readonly fromMs: number;
  readonly toMs: number;
}

export interface StripOptions {
  readonly fromMs: number;
  readonly toMs: number;
  /** The status now. */
  readonly status: string;
  /** Since when it is known that changes are told: before, nothing is shown. */
  readonly knownSinceMs: number;
}

/** How an agent was from one time to another, in order, without gaps from where that is known. */
export function statusSpans(changes: readonly StatusChange[], options: StripOptions): readonly StatusSpan[] {
  const { fromMs, toMs, status, knownSinceMs } = options;
  const ordered = changes.toSorted((a, b) => a.atMs - b.atMs);
  const spans: StatusSpan[] = [];
  let sinceMs = Math.max(fromMs, knownSinceMs);
  for (const { atMs, from } of ordered) {
    if (atMs <= sinceMs) continue;
    if (atMs >= toMs) break;
    if (from !== 'NONE') spans.push({ status: toldOf(from), fromMs: sinceMs, toMs: atMs });
    sinceMs = atMs;
  }
  const last = ordered.findLast(({ atMs }) => atMs <= toMs);
  if (sinceMs < toMs) spans.push({ status: toldOf(last?.to ?? status), fromMs: sinceMs, toMs });
  return joined(spans);
}

/** With work and without it takes turns many times a second, of which there are no events. */
function toldOf(status: string): string {
  return status === 'IDLE' || status === 'RUNNING' ? 'WELL' : status;
}

/** Neighbours of one status are one. */
function joined(spans: readonly StatusSpan[]): readonly StatusSpan[] {
  const merged: StatusSpan[] = [];
  for (const span of spans) {
    const last = merged.at(-1);
    if (last?.status === span.status && last.toMs === span.fromMs)
      merged[merged.length - 1] = { ...last, toMs: span.toMs };
    else merged.push(span);
  }
  return merged;
}

/** How long each status lasted within the spans, the longest first, ms. */
export function timeByStatus(
  spans: readonly StatusSpan[],
): readonly (readonly [status: string, ms: number])[] {
  const totals = new Map<string, number>();
  for (const { status, fromMs, toMs } of spans) totals.set(status, (totals.get(status) ?? 0) + toMs - fromMs);
  return [...totals].toSorted(([, a], [, b]) => b - a);
}

/** As many events as one reading gives: where there are as many, older ones are not known. */
export const maxReadChanges = 200;

/** The changes that events tell, and since when they are all there. @param registeredMs before it there was nothing to tell */
export function statusChangesOf(
  events: readonly SystemEvent[],
  registeredMs: number,
): { readonly changes: readonly StatusChange[]; readonly knownSinceMs: number } {
  const changes = events.flatMap((event) =>
    event.event_type === 'fleet.agent.status_changed'
      ? [{ atMs: Date.parse(event.at), from: event.payload.from, to: event.payload.to }]
      : [],
  );
  const oldestMs = changes.reduce((oldest, { atMs }) => Math.min(oldest, atMs), Number.POSITIVE_INFINITY);
  return { changes, knownSinceMs: events.length < maxReadChanges ? registeredMs : oldestMs };
}
