import { messageOf, type Logger } from '#telemetry';

/** What is to be called when a transaction has ended, in the order in which it was asked for. */
export class Effects {
  readonly #logger: Logger;
  readonly #afterCommit: (() => void)[] = [];
  readonly #afterRollback: (() => void)[] = [];

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** The hooks of a `DatabaseTransaction`. */
  readonly afterCommit = (effect: () => void): void => void this.#afterCommit.push(effect);
  readonly afterRollback = (effect: () => void): void => void this.#afterRollback.push(effect);

  committed(): void {
    this.#run(this.#afterCommit);
  }

  rolledBack(): void {
    this.#run(this.#afterRollback);
  }

  #run(effects: readonly (() => void)[]): void {
    for (const effect of effects) {
      try {
        effect();
      } catch (error) {
        this.#logger.error(
          { error: messageOf(error) },
          'Work after a commit failed; the commit itself holds',
        );
      }
    }
  }
}
