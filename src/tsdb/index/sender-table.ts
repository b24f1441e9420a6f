import {
  ANONYMOUS_SENDER,
  DETECTOR_SENDER,
  OMOI_SENDER,
  RULE_SENDER,
  type Labels,
  type Sender,
} from '#telemetry';

/** Agents send under a name each; those that nothing is from any more do not count. */
const MAX_SENDERS = 1_000_000;
/** In no name of a sender. */
const SEPARATOR = '\n';

/** What is known of the samples of who was displaced; ms since epoch. */
export interface Displaced {
  /** When they have left memory. */
  readonly untilMs: number;
  /** When the newest of them is dated, or later. */
  readonly lastMs: number;
}

/**
 * Numbers for the senders of a series, from 1, so that they are one word. A number holds while somebody holds it: each
 * series that is from it, and who is sending. Then it is given to others.
 *
 * As a text, which logs and snapshots keep: `SENDER`, or for a series that was taken over `SENDER\nUNTIL,LAST\nBEFORE`,
 * where UNTIL is when the samples of those before have left memory, LAST when the newest of them is dated (both wall ms),
 * and BEFORE such a text again. Without LAST where it was not kept yet.
 */
export class SenderTable {
  readonly #numbers = new Map<string, number>();
  /** By number, as all that follows; null where it is free. */
  readonly #texts: (string | null)[] = [];
  /** Who sends now. */
  readonly #owners: number[] = [];
  /** How many hold it. */
  readonly #holders: number[] = [];
  readonly #free: number[] = [];
  readonly #max: number;
  readonly #anonymous: number;
  /** Until when memory has samples of somebody whom a series was taken over from, ms since epoch. */
  displacedUntilMs = 0;
  /** How many times somebody was taken for anonymous. */
  unnamed = 0;

  constructor(max = MAX_SENDERS) {
    this.#max = max;
    this.#anonymous = this.hold(ANONYMOUS_SENDER);
  }

  /** How many are known. */
  get size(): number {
    return this.#numbers.size;
  }

  /**
   * The number of a text, held until it is released as often. Those who come when there are too many are anonymous, whose
   * word is worth the least.
   */
  hold(text: string): number {
    return this.keep(this.#numbers.get(text) ?? (this.size < this.#max ? this.#add(text) : this.#unnamed()));
  }

  /** Holds once more what is held. */
  keep(number: number): number {
    this.#holders[number - 1] = (this.#holders[number - 1] ?? 0) + 1;
    return number;
  }

  /** @param number 0: nothing is held */
  release(number: number): void {
    const text = this.textOf(number);
    if (text === null) return;
    const at = number - 1;
    const holders = (this.#holders[at] ?? 0) - 1;
    this.#holders[at] = holders;
    if (holders > 0) return;
    const owner = this.#owners[at] ?? number;
    this.#numbers.delete(text);
    this.#texts[at] = null;
    this.#free.push(number);
    if (owner !== number) this.release(owner);
  }

  textOf(number: number): string | null {
    return this.#texts[number - 1] ?? null;
  }

  /** Whether a series of this number is a sender's now, whoever it was taken over from. */
  isOwner(number: number, sender: number): boolean {
    return number === sender || this.#owners[number - 1] === sender;
  }

  /** Whether a sender may go on with a series: its own, or one of somebody whose word on it is worth less. */
  mayContinue(number: number, sender: number, labels: Labels): boolean {
    const owner = this.#owners[number - 1];
    return (
      this.isOwner(number, sender) || this.#rankOf(sender, labels) > this.#rankOf(owner ?? sender, labels)
    );
  }

  /** The number of a series when a sender has gone on with it; held, as by `hold`. */
  holdContinued(number: number, sender: number, { untilMs, lastMs }: Displaced): number {
    if (this.isOwner(number, sender)) return this.keep(number);
    return this.hold([this.textOf(sender), `${untilMs},${lastMs}`, this.textOf(number)].join(SEPARATOR));
  }

  /**
   * Who sent what is in memory of a series: its sender, and those whom it was taken over from not long ago.
   * @param sinceMs those before count where they have a sample from then on
   */
  *sendersAt(number: number, nowMs: number, sinceMs = Number.NEGATIVE_INFINITY): Generator<Sender> {
    const [sender, ...before] = (this.textOf(number) ?? '').split(SEPARATOR);
    if (sender) yield sender;
    for (let at = 0; at + 1 < before.length; at += 2) {
      const earlier = before[at + 1];
      const { untilMs, lastMs } = displacedOf(before[at] ?? '');
      if (untilMs > nowMs && lastMs >= sinceMs && earlier) yield earlier;
    }
  }

  /**
   * What Omoi writes outranks what somebody sends; the token of the agent that the labels name, and then of their pool,
   * those of others, who were only there first; and a token those who have none.
   */
  #rankOf(number: number, { agent_id: agentId, pool_id: poolId }: Labels): number {
    const sender = this.textOf(number);
    switch (sender) {
      case OMOI_SENDER:
      case RULE_SENDER:
      case DETECTOR_SENDER:
        return 4;
      case ANONYMOUS_SENDER:
        return 0;
      case null:
        return 1;
      default:
        if (agentId !== undefined && sender === `agent:${agentId}`) return 3;
        return poolId !== undefined && sender === `pool:${poolId}` ? 2 : 1;
    }
  }

  #unnamed(): number {
    this.unnamed++;
    return this.#anonymous;
  }

  #add(text: string): number {
    const end = text.indexOf(SEPARATOR);
    const [, ...before] = text.split(SEPARATOR);
    for (let at = 0; at + 1 < before.length; at += 2) {
      this.displacedUntilMs = Math.max(this.displacedUntilMs, displacedOf(before[at] ?? '').untilMs);
    }
    const owner = end === -1 ? null : this.hold(text.slice(0, end));
    const number = this.#free.pop() ?? this.#texts.length + 1;
    this.#numbers.set(text, number);
    this.#texts[number - 1] = text;
    this.#owners[number - 1] = owner ?? number;
    this.#holders[number - 1] = 0;
    return number;
  }
}

function displacedOf(text: string): Displaced {
  const [until = '', last = until] = text.split(',');
  return { untilMs: Number(until), lastMs: Number(last) };
}
