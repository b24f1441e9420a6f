/**
 * Calls `step` with each time that is due (`performance.now()`), `everyMs` apart, whether what was due before has ended or
 * not: an open loop. Who is late catches up; the time that was due stays what it was.
 */
export function everySoOften(everyMs: number, step: (dueMs: number) => void): { stop(): void } {
  let dueMs = performance.now() + everyMs;
  let timer: NodeJS.Timeout | null = null;
  const turn = (): void => {
    for (const nowMs = performance.now(); dueMs <= nowMs; dueMs += everyMs) step(dueMs);
    timer = setTimeout(turn, Math.max(1, dueMs - performance.now()));
  };
  timer = setTimeout(turn, everyMs);
  return {
    stop() {
      if (timer) clearTimeout(timer);
    },
  };
}
