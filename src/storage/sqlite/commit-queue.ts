import { AsyncLocalStorage } from 'node:async_hooks';
import { messageOf, OmoiError, type Clock, type Logger } from '#telemetry';
import type { TransactionOptions } from '../database.ts';
import { Effects } from '../effects.ts';
import { isCommitUnknown } from './sqlite-access.ts';
import { errorOf } from './sqlite-errors.ts';
import { UrgentFirst } from './urgent-first.ts';
import type { SqliteReply } from './worker-protocol.ts';

const maxWaitingTransactions = 20_000;
const maxTransactionsPerCommit = 500;
/** A commit waits no longer than this for more transactions to join it. */
const maxCommitDelayMs = 4;

/** A transaction in the queue. */
interface Turn {
  readonly urgent: boolean;
  /** Does the work inside its savepoint; never rejects. */
  run(): Promise<void>;
  /** Waits for the answers to what was sent with the commit, once the commit has its own; never rejects. */
  answered(): Promise<void>;
  /** Tells the caller, once it is known whether the outer transaction is on disk. */
  settle(commitError: Error | null): void;
  /** Tells the caller that nobody knows whether the outer transaction is on disk: no effect is run for either. */
  leave(commitUnknown: Error): void;
  /** Whether the caller has its answer. */
  settled: boolean;
}

type Outcome<Result> =
  | { readonly kind: 'waiting' }
  | { readonly kind: 'done'; readonly result: Result }
  | { readonly kind: 'failed'; readonly error: unknown };

export interface CommitQueueOptions {
  readonly thread: { ask(question: { readonly op: 'begin' | 'commit' }): Promise<SqliteReply> };
  readonly path: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Nobody knows whether what memory was to follow is on disk. */
  readonly onCommitUnknown?: (error: OmoiError) => void;
}

/**
 * Runs transactions one after the other and lets those that wait share one commit: each is a savepoint in an
 * outer transaction, so that one can fail alone, and each is answered when the outer one is on disk. While a
 * commit is being written the next ones gather; a lone transaction is committed at once. Urgent ones go first.
 */
export class CommitQueue {
  readonly #options: CommitQueueOptions;
  readonly #turns = new UrgentFirst<Turn>();
  readonly #inside = new AsyncLocalStorage<Turn>();
  #draining: Promise<void> | null = null;
  #running: Turn | null = null;

  constructor(options: CommitQueueOptions) {
    this.#options = options;
  }

  /**
   * @param work runs in its turn; `effects` are called in order once it is known whether it is on disk. What `answers` is
   *   told of goes with the commit and need not be awaited: where one fails, so does the transaction.
   */
  enqueue<Result>(
    work: (effects: Effects, answers: (answer: Promise<void>) => void) => Promise<Result>,
    { urgent = false }: TransactionOptions = {},
  ): Promise<Result> {
    const outer = this.#inside.getStore();
    if (outer && !outer.settled) {
      return Promise.reject(new Error('a transaction was started inside another one: it would wait forever'));
    }
    if (this.#turns.size >= maxWaitingTransactions) {
      const message = `${maxWaitingTransactions} transactions wait already (maxWaitingTransactions)`;
      return Promise.reject(new OmoiError('database_failed', message));
    }
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    let outcome: Outcome<Result> = { kind: 'waiting' };
    const effects = new Effects(this.#options.logger);
    const answers: Promise<void>[] = [];
    const expectAnswer = (answer: Promise<void>): void => {
      // It may be refused before anybody looks.
      answer.catch(() => undefined);
      answers.push(answer);
    };
    const turn: Turn = {
      urgent,
      settled: false,
      run: () =>
        this.#inside.run(turn, async () => {
          try {
            outcome = { kind: 'done', result: await work(effects, expectAnswer) };
          } catch (error) {
            outcome = { kind: 'failed', error };
          }
        }),
      answered: async () => {
        try {
          await Promise.all(answers);
        } catch (error) {
          if (outcome.kind === 'done') outcome = { kind: 'failed', error };
        }
      },
      settle: (commitError) => {
        turn.settled = true;
        if (outcome.kind === 'done' && commitError === null) {
          effects.committed();
          return resolve(outcome.result);
        }
        effects.rolledBack();
        reject(outcome.kind === 'failed' ? outcome.error : commitError);
      },
      leave: (commitUnknown) => {
        // What failed by itself was undone before the commit.
        if (outcome.kind === 'failed') return turn.settle(null);
        turn.settled = true;
        reject(commitUnknown);
      },
    };
    this.#turns.push(turn, urgent);
    this.#draining ??= this.#drain();
    return promise;
  }

  /** Whether an urgent transaction runs, or waits behind one that runs. */
  get hasUrgent(): boolean {
    return this.#running?.urgent === true || this.#turns.hasUrgent;
  }

  /** Resolves when nothing waits any more. */
  async idle(): Promise<void> {
    while (this.#draining) await this.#draining;
  }

  async #drain(): Promise<void> {
    while (this.#turns.size > 0) await this.#commitGroup();
    this.#draining = null;
  }

  async #commitGroup(): Promise<void> {
    const { clock } = this.#options;
    // Nobody waits for this: where it fails, so does all that is asked behind it.
    const begun = this.#askFor('begin');
    const startedMs = clock.monotonicMs();
    let nowMs = startedMs;
    const group: Turn[] = [];
    this.#turns.restart();
    do {
      const next = this.#turns.next();
      if (!next) break;
      group.push(next.item);
      this.#running = next.item;
      await next.item.run();
      this.#running = null;
      const endedMs = clock.monotonicMs();
      next.used(endedMs - nowMs);
      nowMs = endedMs;
    } while (group.length < maxTransactionsPerCommit && nowMs - startedMs < maxCommitDelayMs);
    const committed = this.#askFor('commit');
    const beginError = await begun;
    const commitError = await committed;
    if (isCommitUnknown(commitError)) {
      for (const turn of group) turn.leave(commitError);
      this.#options.onCommitUnknown?.(commitError);
      return;
    }
    const error = beginError ?? commitError;
    for (const turn of group) await turn.answered();
    if (beginError) group.push(...this.#turns.clear());
    for (const turn of group) turn.settle(error);
  }

  async #askFor(op: 'begin' | 'commit'): Promise<Error | null> {
    const { thread, path } = this.#options;
    try {
      const reply = await thread.ask({ op });
      return reply.ok ? null : errorOf(reply.failure, path);
    } catch (error) {
      return error instanceof Error ? error : new Error(messageOf(error));
    }
  }
}
