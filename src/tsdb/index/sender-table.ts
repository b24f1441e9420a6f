import type { Sender } from '#telemetry';

/** Numbers for senders, from 1, so that a series' sender is one word. They hold while the store runs. */
export class SenderTable {
  readonly #numbers = new Map<Sender, number>();
  readonly #texts: Sender[] = [];

  numberOf(sender: Sender): number {
    let number = this.#numbers.get(sender);
    if (number === undefined) {
      number = this.#texts.push(sender);
      this.#numbers.set(sender, number);
    }
    return number;
  }

  textOf(number: number): Sender | null {
    return this.#texts[number - 1] ?? null;
  }
}
