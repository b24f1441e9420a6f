export interface LimitedRun {
  /** Its exit code; null where a signal or the limit ended it. */
  readonly status: number | null;
  /** Processes that it left behind, which were killed. */
  readonly leftBehind: number;
}

export function runLimited(
  command: readonly string[],
  options: { readonly cwd?: string; readonly limit: AbortSignal; readonly graceMs: number },
): Promise<LimitedRun>;
