import type { PartialSuccess } from './answer.ts';

/** Reasons that an answer lists; the rest is summed up. */
const maxListedReasons = 5;
/** Distinct reasons that are told apart in one request: some carry names that the sender chose. */
const maxReasons = 100;
const maxReasonLength = 200;

/** What of one request is refused, and what is left out of or put right in what is stored, by reason. */
export class Refusals {
  readonly #refused = new Map<string, number>();
  readonly #leftOut = new Map<string, number>();
  readonly #putRight = new Map<string, number>();

  /** Points, spans or records that are not stored. */
  refuse(reason: string, count = 1): void {
    add(this.#refused, reason, count);
  }

  /** Something that is left out of an element that is stored: an attribute, an event, a link. */
  leaveOut(reason: string, count = 1): void {
    add(this.#leftOut, reason, count);
  }

  /** Something that cannot be, in an element that is stored without it. */
  putRight(reason: string): void {
    add(this.#putRight, reason, 1);
  }

  /** Adds what was found elsewhere. */
  addAll(others: Refusals): void {
    for (const [reason, count] of others.#refused) this.refuse(reason, count);
    for (const [reason, count] of others.#leftOut) this.leaveOut(reason, count);
    for (const [reason, count] of others.#putRight) add(this.#putRight, reason, count);
  }

  get isEmpty(): boolean {
    return this.#refused.size === 0 && this.#leftOut.size === 0 && this.#putRight.size === 0;
  }

  get rejected(): number {
    let sum = 0;
    for (const count of this.#refused.values()) sum += count;
    return sum;
  }

  get leftOut(): number {
    let sum = 0;
    for (const count of this.#leftOut.values()) sum += count;
    return sum;
  }

  /** For the answer: OTLP allows a message with nothing rejected, as a warning. */
  get partialSuccess(): PartialSuccess {
    const all = [
      ...this.#refused,
      ...[...this.#leftOut].map(([reason, count]): [string, number] => [`left out: ${reason}`, count]),
      ...[...this.#putRight].map(([reason, count]): [string, number] => [`put right: ${reason}`, count]),
    ];
    const listed = all.slice(0, maxListedReasons).map(([reason, count]) => `${reason} (${count})`);
    if (all.length > maxListedReasons) listed.push(`and ${all.length - maxListedReasons} other reasons`);
    return { rejected: this.rejected, message: listed.join('; ') };
  }
}

function add(counts: Map<string, number>, reason: string, count: number): void {
  const cut = reason.length > maxReasonLength ? `${reason.slice(0, maxReasonLength)}…` : reason;
  const key = counts.has(cut) || counts.size < maxReasons ? cut : 'other reasons';
  counts.set(key, (counts.get(key) ?? 0) + count);
}
