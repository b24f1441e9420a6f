import { nextTurn, SerialQueue } from '#telemetry';

/** Rules taken up in one turn of the event loop: each subscribes to its series. */
export const RULES_PER_TURN = 8;

/** Has rules evaluated from now on, a few a turn: a start or a reload brings hundreds at once. */
export class RuleIntake<Rule> {
  readonly #loop: { add(rule: Rule): void };
  readonly #queue = new SerialQueue();
  #taken = 0;

  constructor(loop: { add(rule: Rule): void }) {
    this.#loop = loop;
  }

  /** Resolves when the rule has been taken up. */
  take(rule: Rule): Promise<void> {
    return this.#queue.run(async () => {
      this.#loop.add(rule);
      if (++this.#taken % RULES_PER_TURN === 0) await nextTurn();
    });
  }
}
