import type { Answer, ServerLink } from './server-link.ts';
import type { CompletionsAnswer, CompletionsRequest, TaskClaim } from './wire.ts';

/** What a task ended with, of one claim. */
export interface Completion {
  readonly taskId: string;
  readonly claim: TaskClaim;
  readonly result: unknown;
}

interface Waiting {
  readonly completion: Completion;
  readonly bytes: number;
  readonly settle: (answer: Answer<unknown>) => void;
}

/** What the server takes at once. */
const MAX_TOGETHER = 100;
/** Half of what the server takes in one body; a larger result goes alone. */
const MAX_BYTES_TOGETHER = 512 * 1024;

/** The path of what the holder of a task does with it. */
export function taskPath(taskId: string, operation: 'renew' | 'complete' | 'fail'): string {
  return `/api/v1/fleet/tasks/${encodeURIComponent(taskId)}/${operation}`;
}

/**
 * Delivers results until the server has decided about each. One goes out at once, alone; those that come while it is
 * under way go together in the next request.
 */
export class Completions {
  readonly #link: Pick<ServerLink, 'postUntilDecided'>;
  readonly #abandon = new AbortController();
  #waiting: Waiting[] = [];
  #delivering = false;

  constructor(link: Pick<ServerLink, 'postUntilDecided'>) {
    this.#link = link;
  }

  /** Never rejects; `away` only once it was abandoned. */
  deliver(completion: Completion): Promise<Answer<unknown>> {
    const bytes = JSON.stringify(completion.result ?? null).length;
    return new Promise((settle) => {
      this.#waiting.push({ completion, bytes, settle });
      if (!this.#delivering) void this.#run();
    });
  }

  /** Gives up delivering to a server that is away. */
  abandon(): void {
    this.#abandon.abort();
  }

  async #run(): Promise<void> {
    this.#delivering = true;
    while (this.#waiting.length > 0) await this.#send(this.#takeGroup());
    this.#delivering = false;
  }

  /** Of one generation: the server is told once whose results they are. */
  #takeGroup(): readonly Waiting[] {
    const generation = this.#waiting[0]?.completion.claim.generation;
    let bytes = 0;
    const end = this.#waiting.findIndex(
      (waiting, at) =>
        at === MAX_TOGETHER ||
        waiting.completion.claim.generation !== generation ||
        ((bytes += waiting.bytes) > MAX_BYTES_TOGETHER && at > 0),
    );
    return this.#waiting.splice(0, end < 0 ? this.#waiting.length : end);
  }

  async #send(group: readonly Waiting[]): Promise<void> {
    const [first] = group;
    if (!first) return;
    if (group.length === 1) return this.#sendAlone(first);
    const { agent_id, generation } = first.completion.claim;
    const request: CompletionsRequest = {
      agent_id,
      generation,
      completions: group.map(({ completion: { taskId, claim, result } }) => ({
        task_id: taskId,
        attempt: claim.attempt,
        result,
      })),
    };
    const answer = await this.#link.postUntilDecided<CompletionsAnswer>(
      '/api/v1/fleet/tasks/complete',
      request,
      { signal: this.#abandon.signal },
    );
    if (answer.kind === 'away') {
      for (const { settle } of group) settle(answer);
      return;
    }
    for (const [at, waiting] of group.entries()) {
      const own = answer.kind === 'ok' ? answer.body.completions?.[at] : undefined;
      // Refused as a whole, by an older server say: then each is decided about alone.
      if (!own) await this.#sendAlone(waiting);
      else if ('error' in own) waiting.settle({ kind: 'refused', code: own.error, ...own });
      else waiting.settle({ kind: 'ok', body: own });
    }
  }

  async #sendAlone({ completion: { taskId, claim, result }, settle }: Waiting): Promise<void> {
    const body = { ...claim, result };
    settle(
      await this.#link.postUntilDecided(taskPath(taskId, 'complete'), body, {
        signal: this.#abandon.signal,
      }),
    );
  }
}
