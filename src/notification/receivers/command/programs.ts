/** What `command_configs` start programs by. */
export interface Programs {
  /** Absolute paths, as the configuration allows them; nothing else is started. */
  readonly allowed: readonly string[];
  /** Never rejects. */
  run(run: ProgramRun): Promise<ProgramEnd>;
}

export interface ProgramRun {
  /** An absolute path. */
  readonly program: string;
  /** As they are: there is no shell that would read them. */
  readonly args: readonly string[];
  /** All of its environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** What it reads. */
  readonly input: readonly Uint8Array[];
  /** When it is aborted the program and all that it has started is asked to end. */
  readonly signal: AbortSignal;
  /** How long it then has before it is killed. */
  readonly graceMs: number;
  /** How much of what it writes is kept; the rest is read and dropped. */
  readonly maxOutputBytes: number;
}

/** How a program ended. */
export type ProgramEnd =
  | ({ readonly kind: 'exited'; readonly code: number } & Left)
  /** By a signal that was not ours. */
  | ({ readonly kind: 'killed'; readonly by: string } & Left)
  /** Our signal was aborted. */
  | ({ readonly kind: 'stopped' } & Left)
  /** `code`: `ENOENT`, `EACCES` … as the system says it. */
  | { readonly kind: 'not started'; readonly code: string; readonly why: string };

/** What a program has left. */
interface Left {
  /** The beginning of what it wrote to its output and its error output. */
  readonly output: string;
  /** Whether somebody goes on that holds its output open, who cannot be told from strangers, and was not ended. */
  readonly goesOn?: true;
}
