import type { StatementText } from './worker-protocol.ts';

/** Beyond it texts go as they are: those of queries with lists of any length. */
const maxNumberedStatements = 1000;

/** The sender's end: numbers texts when they are sent for the first time. A new receiver needs a new one. */
export class StatementNumbers {
  readonly #numbers = new Map<string, number>();

  of(text: string): StatementText {
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    const number = this.#numbers.size;
    if (number >= maxNumberedStatements) return text;
    this.#numbers.set(text, number);
    return { text, number };
  }
}

/** The receiver's end. */
export class StatementTexts {
  readonly #texts: string[] = [];

  /** @throws Error for a number that was never given: a programmer's mistake */
  of(statement: StatementText): string {
    if (typeof statement === 'string') return statement;
    if (typeof statement === 'number') {
      const text = this.#texts[statement];
      if (text === undefined) throw new Error(`statement ${statement} was not sent yet`);
      return text;
    }
    this.#texts[statement.number] = statement.text;
    return statement.text;
  }
}
