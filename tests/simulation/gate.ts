/**
 * What lies between one server process and the world. Once it is closed the process is dead: nothing passes it any
 * more, in neither direction, and whoever in it waits for an answer waits for ever.
 */
export class Gate {
  readonly #closed = Promise.withResolvers<void>();
  #isOpen = true;

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Resolves when the process has died. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  close(): void {
    this.#isOpen = false;
    this.#closed.resolve();
  }

  /** The answer, if the process lives when it comes. */
  pass<Answer>(answer: Promise<Answer>): Promise<Answer> {
    return new Promise((resolve, reject) => {
      answer.then(
        (value) => this.#isOpen && resolve(value),
        (thrown: unknown) => this.#isOpen && reject(thrown as Error),
      );
    });
  }
}

export function never<Answer>(): Promise<Answer> {
  return new Promise(() => {});
}
