export interface CheckoutLock {
  readonly file: string;
  readonly maxWaitMs?: number;
  /** A holder of another container or machine that has not touched its lock for so long is gone. */
  readonly maxSilenceMs?: number;
  readonly say?: (line: string) => void;
}

/** @throws Error where another process has had it for too long */
export function withLock<Result>(lock: CheckoutLock, work: () => Promise<Result>): Promise<Result>;
