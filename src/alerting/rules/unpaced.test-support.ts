/** Work that offers pauses, done without one. */
export function unpaced<Result>(work: Generator<void, Result>): Result {
  for (;;) {
    const step = work.next();
    if (step.done) return step.value;
  }
}
