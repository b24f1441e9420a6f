import type { FastifyReply, FastifyRequest } from 'fastify';
import { OmoiError } from '#telemetry';
import { whenGone } from '../http/when-gone.ts';

/** A request that waits for something. */
interface Waiting {
  readonly request: FastifyRequest;
  readonly ending: AbortController;
}

/**
 * The requests that wait for a task or a lock. One whose token is revoked or whose session ends meanwhile stops waiting
 * and is refused: what comes after that is not for it.
 */
export class WaitingRequests {
  readonly #isStillAdmitted: (request: FastifyRequest) => Promise<boolean>;
  readonly #waiting = new Set<Waiting>();

  constructor(isStillAdmitted: (request: FastifyRequest) => Promise<boolean>) {
    this.#isStillAdmitted = isStillAdmitted;
  }

  /**
   * Does what a request waits for.
   * @param work its signal is aborted when the caller has gone, or may not wait any more
   * @throws OmoiError `unauthenticated` where the caller's token was revoked meanwhile; what `work` throws
   */
  async during<Result>(
    { request, reply }: { readonly request: FastifyRequest; readonly reply: FastifyReply },
    work: (signal: AbortSignal) => Promise<Result>,
  ): Promise<Result> {
    const ending = new AbortController();
    const waiting = { request, ending };
    let hasGone = false;
    this.#waiting.add(waiting);
    whenGone(reply, () => {
      hasGone = true;
      ending.abort();
    });
    try {
      const result = await work(ending.signal).catch((thrown: unknown) => {
        if (!ending.signal.aborted || hasGone) throw thrown;
      });
      if (result !== undefined && (!ending.signal.aborted || hasGone)) return result;
    } finally {
      this.#waiting.delete(waiting);
    }
    throw new OmoiError('unauthenticated', 'the token was revoked, or the session ended, during the wait');
  }

  /** @param tokenId the token that was revoked; null where a session ended */
  checkPermissions(tokenId: string | null): void {
    for (const { request, ending } of this.#waiting) {
      const { kind, id } = request.principal;
      if (id === tokenId) ending.abort();
      else if (tokenId === null && kind === 'session') void this.#endUnlessAdmitted(request, ending);
    }
  }

  async #endUnlessAdmitted(request: FastifyRequest, ending: AbortController): Promise<void> {
    if (!(await this.#isStillAdmitted(request))) ending.abort();
  }
}
