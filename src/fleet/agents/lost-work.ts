/** How long an agent may take to end the work on what was taken from it, before that is told. */
const MAX_LETTING_GO_MS = 15_000;

/** A task that was taken from an agent. */
interface LostTask {
  readonly taskId: string;
  /** Monotonic; -Infinity of one that an earlier server has told. */
  readonly atMs: number;
  /** What it said to work on beside its tasks when it lost this one; null where that has still to be seen. */
  readonly besides: number | null;
  /** Whether it has said since that it works on as much as before. */
  readonly isKept: boolean;
}

/** What was taken from an agent, until it has let go of that: one that goes on keeps the place of a task that it could claim. */
export class LostWork {
  #lost: LostTask | null = null;

  /** @param besides what it says to work on beside its tasks */
  lost(taskId: string, { atMs, besides }: { readonly atMs: number; readonly besides: number }): void {
    this.#lost ??= { taskId, atMs, besides: Math.max(0, besides), isKept: false };
  }

  /** An earlier server has told that it does not let go of the task: true until it says less. */
  stillKept(taskId: string): void {
    this.#lost ??= { taskId, atMs: -Infinity, besides: null, isKept: true };
  }

  /** @param besides what it says to work on beside its tasks, as often as it says so */
  worksOn(besides: number): void {
    if (!this.#lost) return;
    // How much it worked on besides, an earlier server knew: one of what it says is the task, if there is any.
    const before = this.#lost.besides ?? Math.max(0, besides - 1);
    if (besides <= before) this.#lost = null;
    else this.#lost = { ...this.#lost, besides: before, isKept: true };
  }

  forget(): void {
    this.#lost = null;
  }

  /**
   * The task that it has not let go of, as far as it says; null where there is none, or it had no time yet.
   * @param silenceMs how long ago a monotonic time was, as far as Omoi listened
   */
  keptTask(silenceMs: (sinceMs: number) => number): string | null {
    if (!this.#lost?.isKept) return null;
    const { taskId, atMs } = this.#lost;
    return atMs === -Infinity || silenceMs(atMs) >= MAX_LETTING_GO_MS ? taskId : null;
  }
}
