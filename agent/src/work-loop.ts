import { Completions } from './completions.ts';
import { FORGOTTEN_CODES, type Presence } from './presence.ts';
import type { ServerLink } from './server-link.ts';
import { TaskRun, type Refusal, type TaskHandler } from './task-run.ts';
import { wait } from './wait.ts';
import type { ClaimAnswer, ClaimRequest } from './wire.ts';

export interface WorkOptions {
  /** How many tasks are worked on at once; 1 by default. */
  readonly concurrency?: number;
  /** Only these are claimed; by default the agent's `capabilities`, and all where it has none. */
  readonly taskTypes?: readonly string[];
  readonly phaseIds?: readonly string[];
  /** The lease to ask for; the server's default otherwise. */
  readonly leaseMs?: number;
  /** Told when the server refuses work of this process because somebody else has it. */
  readonly onRefused?: (refusal: Refusal) => void;
}

export interface WorkLoopParts {
  readonly link: ServerLink;
  readonly presence: Presence;
  readonly agentId: string;
  readonly handler: TaskHandler;
  readonly options: WorkOptions;
  readonly onError: (error: unknown) => void;
}

const MAX_CONCURRENCY = 256;
/** What the server gives at once. */
const MAX_CLAIMED_AT_ONCE = 20;
const LONG_POLL_MS = 15_000;
/** The network and the server's own time on top of the long poll. */
const LONG_POLL_MARGIN_MS = 10_000;
/** An empty answer sooner than this means that the server does not hold requests: the loop must not spin. */
const IDLE_PAUSE_MS = 100;
const NOT_CLAIMING_PAUSE_MS = 1000;
const KEEP_ALIVE_MS = 2 ** 30;

/**
 * Claims tasks and runs them. A slot is free again when its outcome has been delivered, so that what is kept
 * while the server is away is bounded by the concurrency.
 */
export class WorkLoop {
  readonly #parts: WorkLoopParts;
  readonly #concurrency: number;
  readonly #claiming = new AbortController();
  readonly #runs = new Set<TaskRun>();
  readonly #completions: Completions;
  #changed: (() => void)[] = [];

  constructor(parts: WorkLoopParts) {
    this.#parts = parts;
    this.#completions = new Completions(parts.link);
    this.#concurrency = Math.min(MAX_CONCURRENCY, Math.max(1, Math.floor(parts.options.concurrency ?? 1)));
  }

  /** Whether a task is run that nothing else shall be lost with. */
  get #hasOneAlone(): boolean {
    for (const run of this.#runs) if (run.isAlone) return true;
    return false;
  }

  get inFlight(): number {
    return this.#runs.size;
  }

  /** Claims until `stopClaiming`. Keeps the process alive meanwhile, also when the server is away. */
  async run(): Promise<void> {
    const keepAlive = setInterval(() => {}, KEEP_ALIVE_MS);
    try {
      let failures = 0;
      while (!this.#claiming.signal.aborted) {
        if (this.#runs.size >= this.#concurrency || this.#hasOneAlone) {
          await this.#nextChange();
          continue;
        }
        const generation = await this.#parts.presence.registered();
        if (generation === null || this.#claiming.signal.aborted) break;
        failures = (await this.#claim(generation)) ? 0 : failures + 1;
        if (failures > 0) await this.#parts.link.backOff(failures, { signal: this.#claiming.signal });
      }
      await this.idle();
    } finally {
      clearInterval(keepAlive);
    }
  }

  stopClaiming(): void {
    this.#claiming.abort();
    this.#notify();
  }

  /** Resolves when no task is in flight. */
  async idle(): Promise<void> {
    while (this.#runs.size > 0) await this.#nextChange();
  }

  abortAll(reason: Error): void {
    for (const run of this.#runs) run.abort(reason);
  }

  abandonAll(): void {
    this.#completions.abandon();
    for (const run of this.#runs) run.abandon();
  }

  /** @returns false when the server could not decide */
  async #claim(generation: number): Promise<boolean> {
    const { options, link } = this.#parts;
    const request: ClaimRequest = {
      agent_id: this.#parts.agentId,
      generation,
      max_tasks: Math.min(MAX_CLAIMED_AT_ONCE, this.#concurrency - this.#runs.size),
      wait_ms: LONG_POLL_MS,
      task_types: options.taskTypes,
      phase_ids: options.phaseIds,
      lease_ms: options.leaseMs,
    };
    const startedMs = performance.now();
    const answer = await link.post<ClaimAnswer>('/api/v1/fleet/tasks/claim', request, {
      timeoutMs: LONG_POLL_MS + LONG_POLL_MARGIN_MS,
      signal: this.#claiming.signal,
    });
    switch (answer.kind) {
      case 'away':
        return false;
      case 'refused':
        this.#claimRefused(answer.code, answer.message);
        await this.#pause(NOT_CLAIMING_PAUSE_MS);
        return true;
      case 'ok':
        for (const task of answer.body.tasks) this.#start(generation, task);
        if (answer.body.tasks.length === 0 && performance.now() - startedMs < IDLE_PAUSE_MS) {
          await this.#pause(IDLE_PAUSE_MS);
        }
        return true;
    }
  }

  #claimRefused(code: string, message: string): void {
    if (FORGOTTEN_CODES.has(code)) {
      this.#parts.presence.forgotten();
    } else if (code !== 'agent_not_claiming') {
      this.#parts.onError(`the claim was refused: ${code}: ${message}`);
    }
  }

  #start(generation: number, task: ClaimAnswer['tasks'][number]): void {
    const { link, agentId, handler, options, onError } = this.#parts;
    const run = new TaskRun(task, {
      link,
      completions: this.#completions,
      agentId,
      generation,
      handler,
      onError,
      onRefused: (refusal) => {
        try {
          options.onRefused?.(refusal);
        } catch (thrown) {
          onError(thrown);
        }
      },
    });
    this.#runs.add(run);
    void run.run().finally(() => {
      this.#runs.delete(run);
      this.#notify();
    });
  }

  #pause(delayMs: number): Promise<void> {
    return wait(delayMs, { until: [this.#claiming.signal] });
  }

  #nextChange(): Promise<void> {
    return new Promise((resolve) => {
      this.#changed.push(resolve);
    });
  }

  #notify(): void {
    for (const resolve of this.#changed.splice(0)) resolve();
  }
}
