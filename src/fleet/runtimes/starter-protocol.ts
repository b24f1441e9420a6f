/** What is asked of the process that starts others. */
export type StarterRequest = (StartOrder | ReserveOrder) & { readonly id: number };

/** A process to start; it leads a session of its own. */
export interface StartOrder {
  readonly kind: 'start';
  readonly program: string;
  readonly args: readonly string[];
  /** null: the directory in which the server was started. */
  readonly cwd: string | null;
  /** All of it: nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  readonly identity: { readonly uid: number; readonly gid: number } | null;
  /** Files that are there already; what the process writes is appended. */
  readonly output: { readonly stdout: string; readonly stderr: string };
  /** The directory of a control group that is there already, and empty; null for none. */
  readonly group: string | null;
}

/** Blocks behind the ends of files, whose sizes stay. Where the file system can't, nothing happens. */
export interface ReserveOrder {
  readonly kind: 'reserve';
  readonly files: readonly { readonly path: string; readonly size: number }[];
  /** Behind the end of each. */
  readonly bytes: number;
}

/** Each request gets one reply; each process that was started gets one `exited` some time after it. */
export type StarterReply =
  | { readonly kind: 'started'; readonly id: number; readonly pid: number; readonly startTicks: number }
  /** `code` as of `errno`, null where it has none. */
  | { readonly kind: 'failed'; readonly id: number; readonly code: string | null; readonly message: string }
  | { readonly kind: 'reserved'; readonly id: number }
  | ({ readonly kind: 'exited' } & ProcessExit);

export interface ProcessExit {
  readonly pid: number;
  readonly exitCode: number | null;
  readonly signal: string | null;
}
