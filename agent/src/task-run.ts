import { taskPath, type Completions } from './completions.ts';
import type { Answer, ServerLink } from './server-link.ts';
import { writeTaskLog } from './task-log.ts';
import type { ClaimedTask, FailRequest, RenewRequest, TaskClaim } from './wire.ts';

/** What a handler has besides its task. */
export interface TaskContext {
  /** Aborts when the claim is lost (`reason.code` says why), and when the grace of a drain is over. */
  readonly signal: AbortSignal;
  /** Writes one JSON line to stderr that carries the task and its trace. */
  readonly log: (message: string, fields?: Readonly<Record<string, unknown>>) => void;
  /** Extends the lease now; it is extended by itself too. False when the claim is lost. */
  readonly renew: () => Promise<boolean>;
  /**
   * Says how far the work is, and extends the lease: whoever has the task after this process finds it in `task.progress`.
   * @param progress what fits into 16 KiB of JSON; a later one takes its place
   * @returns whether the server keeps it: false when the claim is lost, the server is away or refuses it
   */
  readonly report: (progress: unknown) => Promise<boolean>;
}

/** Turns a task into its result, which has to fit into JSON; what it throws fails the attempt. */
export type TaskHandler = (task: ClaimedTask, context: TaskContext) => unknown;

/** The server's decision that the work of this process does not count any more. */
export interface Refusal {
  readonly task: ClaimedTask;
  readonly operation: 'renew' | 'complete' | 'fail';
  readonly code: string;
  readonly message: string;
}

export interface TaskRunOptions {
  readonly link: ServerLink;
  readonly completions: Pick<Completions, 'deliver'>;
  readonly agentId: string;
  readonly generation: number;
  readonly handler: TaskHandler;
  readonly onRefused: (refusal: Refusal) => void;
  readonly onError: (error: unknown) => void;
}

type Outcome =
  | { readonly kind: 'complete'; readonly result: unknown }
  | { readonly kind: 'fail'; readonly error: string };

const RENEWALS_A_LEASE = 3;
const FASTEST_RENEWAL_MS = 20;
/** The server takes back what is over its limit every 100 ms, and its answer to the claim took a while. */
const LIMIT_MARGIN_MS = 20;
const MAX_TIMER_MS = 2 ** 31 - 1;
const MAX_ERROR_LENGTH = 4000;
const STATUS_CONFLICT = 409;
const STATUS_UNKNOWN = 404;

/**
 * One claimed task from its handler to the delivery of its outcome. While the server is away the work goes on and
 * the outcome is kept; the lease is renewed until it has been delivered.
 */
export class TaskRun {
  readonly #task: ClaimedTask;
  readonly #options: TaskRunOptions;
  readonly #abort = new AbortController();
  readonly #abandon = new AbortController();
  #lost = false;

  constructor(task: ClaimedTask, options: TaskRunOptions) {
    this.#task = task;
    this.#options = options;
  }

  /** Whether nothing else is to be claimed beside it. */
  get isAlone(): boolean {
    return this.#task.alone === true;
  }

  /** Resolves when nothing is left to do for the task. Never rejects. */
  async run(): Promise<void> {
    const everyMs = Math.max(FASTEST_RENEWAL_MS, this.#task.lease_ms / RENEWALS_A_LEASE);
    const renewal = setInterval(() => void this.#renew(), everyMs);
    const limit = this.#endAtLimit();
    try {
      const outcome = await this.#handle();
      // Work that was aborted because its claim is lost has no outcome; a result is offered all the same: the
      // server has the last word, and its records show the late attempt.
      if (!(this.#lost && outcome.kind === 'fail')) await this.#deliver(outcome);
    } finally {
      clearInterval(renewal);
      clearTimeout(limit);
    }
  }

  /** Aborts the handler. */
  abort(reason: Error): void {
    this.#abort.abort(reason);
  }

  /** Gives up delivering an outcome to a server that is away. */
  abandon(): void {
    this.#abandon.abort();
  }

  get #claim(): TaskClaim {
    return {
      agent_id: this.#options.agentId,
      generation: this.#options.generation,
      attempt: this.#task.attempt,
    };
  }

  async #handle(): Promise<Outcome> {
    const context: TaskContext = {
      signal: this.#abort.signal,
      log: (message, fields) => writeTaskLog(this.#task, message, fields),
      renew: () => this.#renew(),
      report: (progress) => this.#report(progress),
    };
    try {
      const result: unknown = await this.#options.handler(this.#task, context);
      // What does not fit into JSON fails here, inside the try, and not on the way.
      JSON.stringify(result);
      return { kind: 'complete', result: result ?? null };
    } catch (thrown) {
      return { kind: 'fail', error: String(thrown).slice(0, MAX_ERROR_LENGTH) };
    }
  }

  /** The server takes the task away at its time limit; asking then tells the handler at once. */
  #endAtLimit(): NodeJS.Timeout | undefined {
    const { time_limit_ms: limitMs } = this.#task;
    if (limitMs === null || limitMs === undefined) return undefined;
    const askAfterMs = Math.min(limitMs + LIMIT_MARGIN_MS, MAX_TIMER_MS);
    return setTimeout(() => void this.#renew(), askAfterMs);
  }

  async #renew(): Promise<boolean> {
    if (this.#lost) return false;
    const answer = await this.#options.link.post(taskPath(this.#task.task_id, 'renew'), this.#claim, {
      signal: this.#abandon.signal,
    });
    if (answer.kind === 'refused' && !this.#lost) this.#refused('renew', answer);
    return !this.#lost;
  }

  async #report(progress: unknown): Promise<boolean> {
    if (this.#lost) return false;
    const body: RenewRequest = { ...this.#claim, progress: progress ?? null };
    try {
      JSON.stringify(body);
    } catch (thrown) {
      this.#options.onError(
        `progress of task ${this.#task.task_id} does not fit into JSON: ${String(thrown)}`,
      );
      return false;
    }
    const answer = await this.#options.link.post(taskPath(this.#task.task_id, 'renew'), body, {
      signal: this.#abandon.signal,
    });
    if (answer.kind !== 'refused') return answer.kind === 'ok';
    if (answer.status === STATUS_CONFLICT || answer.status === STATUS_UNKNOWN) {
      if (!this.#lost) this.#refused('renew', answer);
    } else this.#options.onError(`progress of task ${this.#task.task_id} was refused: ${answer.message}`);
    return false;
  }

  async #deliver(outcome: Outcome): Promise<void> {
    const answer = await this.#send(outcome);
    if (answer.kind === 'ok') return;
    if (answer.kind === 'away') {
      this.#options.onError(`the outcome of task ${this.#task.task_id} was dropped: ${answer.message}`);
      return;
    }
    const lost = answer.status === STATUS_CONFLICT || answer.status === STATUS_UNKNOWN;
    if (lost || outcome.kind === 'fail') this.#refused(outcome.kind, answer);
    else await this.#deliver({ kind: 'fail', error: `the result was refused: ${answer.message}` });
  }

  #send(outcome: Outcome): Promise<Answer<unknown>> {
    const { link, completions } = this.#options;
    const { task_id: taskId } = this.#task;
    if (outcome.kind === 'complete') {
      return completions.deliver({ taskId, claim: this.#claim, result: outcome.result });
    }
    const body: FailRequest = { ...this.#claim, error: outcome.error };
    return link.postUntilDecided(taskPath(taskId, 'fail'), body, { signal: this.#abandon.signal });
  }

  #refused(operation: Refusal['operation'], why: { readonly code: string; readonly message: string }): void {
    this.#lost = true;
    this.#options.onRefused({ task: this.#task, operation, code: why.code, message: why.message });
    this.#abort.abort(Object.assign(new Error(why.message), { code: why.code }));
  }
}
