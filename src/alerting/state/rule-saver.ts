import type { StateDatabase } from '#storage';
import { messageOf, SerialQueue, type Clock, type Logger, type Timer } from '#telemetry';
import { confirmSavedStates } from '../alerts/saved-state-rows.ts';
import type { RuleState } from './rule-state.ts';

/** Changes that need not be on disk at once are collected for this long. */
const SAVE_DELAY_MS = 250;
/** How often what is saved is confirmed as still so: a downtime is known to within this. */
const CONFIRM_PERIOD_MS = 10_000;
/** Rules that are saved side by side; those that wait for the database share its commits. */
const MAX_RULES_AT_ONCE = 16;
/** Rules that are confirmed in one transaction. */
const MAX_CONFIRMED_PER_TRANSACTION = 500;

export interface RuleSaverParts {
  readonly database: StateDatabase;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The rules that run. */
  readonly rules: () => Iterable<RuleState>;
}

/**
 * Has rules save what they must remember over a restart beside their episodes, a little later and in small transactions:
 * each rule in turn saves a bounded part, so that one with much to save holds up no other.
 */
export class RuleSaver {
  readonly #parts: RuleSaverParts;
  readonly #queue = new SerialQueue();
  readonly #waiting = new Set<RuleState>();
  #timer: Timer | null = null;
  #confirmTimer: Timer | null = null;

  constructor(parts: RuleSaverParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#confirmTimer = this.#parts.clock.every(
      CONFIRM_PERIOD_MS,
      () => void this.#queue.run(() => this.#confirm()),
    );
  }

  /** Something of the rule waits to be saved. */
  add(rule: RuleState): void {
    this.#waiting.add(rule);
    this.#schedule();
  }

  /** Saves all there is, once; what could not be saved is not waited for. */
  async stop(): Promise<void> {
    this.#confirmTimer?.cancel();
    await this.save();
    this.#timer?.cancel();
    this.#timer = null;
    await this.#queue.run(() => this.#confirm());
  }

  /** Saves what waits. Never rejects: what could not be saved waits for the next time. */
  save(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = null;
    return this.#queue.run(() => this.#saveAll());
  }

  #schedule(): void {
    this.#timer ??= this.#parts.clock.after(SAVE_DELAY_MS, () => void this.save());
  }

  async #saveAll(): Promise<void> {
    while (this.#waiting.size > 0) {
      const some = [...this.#waiting].slice(0, MAX_RULES_AT_ONCE);
      for (const rule of some) this.#waiting.delete(rule);
      const outcomes = await Promise.allSettled(some.map((rule) => rule.saveSome()));
      // At the end of the line again: others have their turn first.
      for (const rule of some) if (rule.isUnsaved) this.#waiting.add(rule);
      const failed = outcomes.find((outcome) => outcome.status === 'rejected');
      if (!failed) continue;
      this.#parts.logger.warn(
        { rules: this.#waiting.size, error: messageOf(failed.reason) },
        'The state of alert rules could not be saved yet; it is tried again',
      );
      this.#schedule();
      return;
    }
  }

  async #confirm(): Promise<void> {
    const { clock, database, logger, rules } = this.#parts;
    const keys = [...rules()].filter((rule) => rule.isConfirmable).map(({ key }) => key);
    try {
      for (let at = 0; at < keys.length; at += MAX_CONFIRMED_PER_TRANSACTION) {
        const some = keys.slice(at, at + MAX_CONFIRMED_PER_TRANSACTION);
        await database.transaction((tx) => confirmSavedStates(tx, some, clock.wallMs()));
      }
    } catch (thrown) {
      logger.warn(
        { error: messageOf(thrown) },
        'The saved state of alert rules could not be confirmed; a downtime now would count from the time before',
      );
    }
  }
}
