/** The longest period that the runtime knows; nothing is done when it is over. */
const longMs = 2 ** 31 - 1;

/**
 * Keeps the process alive until `work` has settled. The clock's timers and the idle threads of the databases don't: work
 * that waits for one of them, with no listener open yet or any more, would be abandoned in the middle without a word.
 */
export async function keepAliveDuring<Result>(work: () => Promise<Result>): Promise<Result> {
  const handle = setInterval(() => undefined, longMs);
  try {
    return await work();
  } finally {
    clearInterval(handle);
  }
}
