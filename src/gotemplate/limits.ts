import { TemplateRunError } from './values/value.ts';

/** How long the text of one run, and each value of it, may get where nothing else is said: that of a rule. */
export const MAX_TEXT_CHARACTERS = 64 * 1024;

/** What one run may take. */
export interface RunLimits {
  /** How long its text, and each value of it, may get. */
  readonly maxCharacters: number;
  /** A step is an action, a turn of a loop or a call. */
  readonly maxSteps: number;
  /** Long arguments and results make a call cost more: a step for each so many characters. */
  readonly charactersPerStep: number;
}

export const RULE_LIMITS: RunLimits = {
  maxCharacters: MAX_TEXT_CHARACTERS,
  maxSteps: 100_000,
  charactersPerStep: 256,
};

/** How deep templates may call each other. */
export const MAX_CALL_DEPTH = 100;
/** How deep parentheses and blocks may stand in each other. */
export const MAX_NESTING = 200;
/** How deep blocks, parentheses and calls of templates may stand in each other in one run. */
export const MAX_RUN_DEPTH = 1000;
/** How deep a printed value may be. */
export const MAX_PRINTED_DEPTH = 100;

/** What a run has done so far; it fails where that is too much, because templates run in the way of an alert. */
export class RunBudget {
  readonly #maxSteps: number;
  readonly #charactersPerStep: number;
  #steps = 0;
  #extraEffort = 0;

  constructor({ maxSteps, charactersPerStep }: RunLimits) {
    this.#maxSteps = maxSteps;
    this.#charactersPerStep = charactersPerStep;
  }

  /** What all has taken, in steps: those there have been, and what else functions have done. */
  get effort(): number {
    return this.#steps + this.#extraEffort;
  }

  /** What counts for pauses alone. */
  addEffort(steps: number): void {
    this.#extraEffort += steps;
  }

  /** @throws TemplateRunError */
  spend(steps = 1): void {
    this.#steps += steps;
    if (this.#steps > this.#maxSteps)
      throw new TemplateRunError(`exceeded ${this.#maxSteps} steps`, { exceedsLimit: true });
  }

  /** @throws TemplateRunError */
  spendOnText(characters: number): void {
    this.spend(Math.floor(characters / this.#charactersPerStep));
  }
}

/** @throws TemplateRunError where a text is longer than a template may make one */
export function assertTextFits(characters: number, maxCharacters: number): void {
  if (characters > maxCharacters) {
    throw new TemplateRunError(`the text exceeds ${maxCharacters} characters`, { exceedsLimit: true });
  }
}
