/**
 * Does what it is asked for at once, and not more often than that: what is asked for too early is done when its time has come,
 * unless the returned function is called before.
 * @param nowMs a clock that is never set
 */
export function atMostEvery(
  everyMs: number,
  nowMs: () => number = () => performance.now(),
): (run: () => void) => () => void {
  let lastMs = Number.NEGATIVE_INFINITY;
  return (run) => {
    const runNow = (): void => {
      lastMs = nowMs();
      run();
    };
    const waitMs = lastMs + everyMs - nowMs();
    if (waitMs <= 0) {
      runNow();
      return () => {};
    }
    const timer = setTimeout(runNow, waitMs);
    return () => clearTimeout(timer);
  };
}
