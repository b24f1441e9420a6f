export interface WaitOptions {
  /** The first of these to abort ends the wait. */
  readonly until: readonly AbortSignal[];
  /** A wait in the background does not keep the process alive. */
  readonly background?: boolean;
}

/** Resolves after `delayMs` or when a signal aborts; never rejects. */
export function wait(delayMs: number, { until, background }: WaitOptions): Promise<void> {
  return new Promise((resolve) => {
    const finish = (): void => {
      clearTimeout(timer);
      for (const signal of until) signal.removeEventListener('abort', finish);
      resolve();
    };
    const timer = setTimeout(finish, delayMs);
    if (background) timer.unref();
    for (const signal of until) {
      signal.addEventListener('abort', finish);
      if (signal.aborted) finish();
    }
  });
}

/** Whether a promise that never rejects settles in time. */
export async function settlesWithin(promise: Promise<void>, limitMs: number): Promise<boolean> {
  const settled = new AbortController();
  void promise.finally(() => settled.abort());
  await wait(limitMs, { until: [settled.signal] });
  return settled.signal.aborted;
}
