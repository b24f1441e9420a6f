export interface ErrorEntry {
  /** The HTTP status a client sees. */
  readonly status: number;
  /** Whether the same call may succeed later without being changed. */
  readonly retryable: boolean;
  /** What it says, for its page. */
  readonly meaning: string;
  /** What to do about it, for its page. */
  readonly remedy: string;
}

export function entry(status: number, meaning: string, remedy: string, retryable = false): ErrorEntry {
  return { status, retryable, meaning, remedy };
}
