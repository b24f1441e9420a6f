import { isRetryable, OmoiError } from '#telemetry';
import {
  UnforeseenRows,
  type StateDatabase,
  type StateTransaction,
  type TransactionOptions,
} from './database.ts';

const maxWaitingRequests = 20_000;
/**
 * So many are done within some ten milliseconds, which is how long others wait behind them. With fewer the way to the
 * disk and back, which each transaction waits for, is what limits them.
 */
const maxRequestsPerTransaction = 150;

/**
 * Does all that is asked, in order, and answers in that order; a refusal is an answer, so that it is committed. Answers may
 * be put into their places until the commit.
 * @param mayForesee false where a transaction with the same requests has ended with `UnforeseenRows`
 */
type Work<Request, Answer> = (
  tx: StateTransaction,
  requests: readonly Request[],
  mayForesee: boolean,
) => Promise<readonly (Answer | OmoiError)[]>;

interface Waiting<Request, Answer> {
  readonly request: Request;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Lets requests of one kind share a transaction: those that come while an earlier one runs are done together in the
 * next, so that under load each costs a fraction of the way to the database and back. A lone request is done at once.
 * Where a transaction fails, each of its requests is done once more in one of its own, so that a bad one fails alone;
 * but not where the database itself is away: then all are told.
 */
export class SharedTransactions<Request, Answer> {
  readonly #database: StateDatabase;
  readonly #work: Work<Request, Answer>;
  readonly #waiting: Waiting<Request, Answer>[] = [];
  readonly #options: TransactionOptions;
  #running = false;

  constructor(database: StateDatabase, work: Work<Request, Answer>, options: TransactionOptions = {}) {
    this.#database = database;
    this.#work = work;
    this.#options = options;
  }

  /** @throws what the request was refused with, `database_failed` and its like */
  ask(request: Request): Promise<Answer> {
    if (this.#waiting.length >= maxWaitingRequests) {
      const message = `${maxWaitingRequests} requests wait already (maxWaitingRequests)`;
      return Promise.reject(new OmoiError('database_failed', message));
    }
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    this.#waiting.push({ request, resolve, reject });
    if (!this.#running) void this.#run();
    return promise;
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#waiting.length > 0) {
      await this.#doTogether(this.#waiting.splice(0, maxRequestsPerTransaction));
    }
    this.#running = false;
  }

  /** Never rejects. */
  async #doTogether(together: readonly Waiting<Request, Answer>[], mayForesee = true): Promise<void> {
    try {
      const requests = together.map(({ request }) => request);
      const answers = await this.#database.transaction(
        (tx) => this.#work(tx, requests, mayForesee),
        this.#options,
      );
      for (const [at, { resolve, reject }] of together.entries()) {
        const answer = answers[at];
        if (answer === undefined) reject(new Error('a request was left without an answer'));
        else if (answer instanceof OmoiError) reject(answer);
        else resolve(answer);
      }
    } catch (error) {
      if (mayForesee && error instanceof UnforeseenRows) return this.#doTogether(together, false);
      // Doing it again at once would only ask a database that is away once more.
      if (together.length > 1 && !isRetryable(error)) {
        for (const waiting of together) await this.#doTogether([waiting]);
      } else for (const { reject } of together) reject(error);
    }
  }
}
