import { messageOf, OmoiError, type Clock, type ErrorCode, type Logger, type Timer } from '#telemetry';

export interface ReloadOnChangeParts {
  readonly clock: Pick<Clock, 'monotonicMs' | 'after'>;
  readonly logger: Pick<Logger, 'info' | 'warn'>;
  /** Of the files that count now, those that are in another state than when they were read, with that state. */
  readonly changed: () => Promise<ReadonlyMap<string, string>>;
  /** Reads all files and takes them over, or none. It logs how that went. @throws OmoiError */
  readonly reload: () => Promise<unknown>;
  /** How long changed files have to stand still. */
  readonly settleMs: number;
}

/** Between two looks at the files, where nothing has changed. */
const shortestPauseMs = 1000;
const longestPauseMs = 30_000;
/** A look at very many files is to take no more than this share of the time. */
const shareOfLooking = 0.01;
/** So long after a change that did not come to rest it is said. */
const restlessMs = 60_000;
/** Files do not bring another answer about: what refused them is asked again after this time. */
const retryMs = 10_000;

/** What is wrong with the files themselves: only another change of them helps. */
const ABOUT_FILES: ReadonlySet<ErrorCode> = new Set([
  'config_invalid',
  'rule_file_invalid',
  'routing_invalid',
  'policy_file_invalid',
]);

/**
 * Reloads when files have changed and then stood still. It looks at them again and again: no notification of a file system
 * tells of a change on every one (network file systems, folders that are swapped by a link).
 */
export class ReloadOnChange {
  readonly #parts: ReloadOnChangeParts;
  #timer: Timer | null = null;
  #isStopped = false;
  /** The change that is waited for to come to rest. */
  #change: { readonly text: string; readonly sinceMs: number; readonly firstMs: number } | null = null;
  #hasToldOfRestlessness = false;
  /** What was read and refused, and is still in another state than what was read: another attempt would end as that one. */
  #refused: string | null = null;

  constructor(parts: ReloadOnChangeParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#lookIn(shortestPauseMs);
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  #lookIn(delayMs: number): void {
    if (this.#isStopped) return;
    this.#timer = this.#parts.clock.after(delayMs, () => void this.#look());
  }

  async #look(): Promise<void> {
    const { clock, logger } = this.#parts;
    const startedMs = clock.monotonicMs();
    try {
      const changed = await this.#parts.changed();
      const tookMs = clock.monotonicMs() - startedMs;
      const pauseMs = Math.min(longestPauseMs, Math.max(shortestPauseMs, tookMs / shareOfLooking));
      this.#lookIn(await this.#decide(changed, pauseMs));
    } catch (thrown) {
      logger.warn({ error: messageOf(thrown) }, 'Files not looked at for changes; tried again');
      this.#lookIn(longestPauseMs);
    }
  }

  /** Reloads where it is time. @returns when to look again, in ms */
  async #decide(changed: ReadonlyMap<string, string>, pauseMs: number): Promise<number> {
    const { clock, settleMs } = this.#parts;
    const text = textOf(changed);
    const nowMs = clock.monotonicMs();
    if (text === '' || text === this.#refused) {
      this.#change = null;
      return pauseMs;
    }
    if (this.#change?.text !== text) {
      this.#change = { text, sinceMs: nowMs, firstMs: this.#change?.firstMs ?? nowMs };
      this.#tellOfRestlessness(nowMs - this.#change.firstMs, changed);
      return settleMs;
    }
    const restMs = this.#change.sinceMs + settleMs - nowMs;
    if (restMs > 0) return restMs;
    this.#change = null;
    this.#hasToldOfRestlessness = false;
    return (await this.#reload(changed)) ? pauseMs : retryMs;
  }

  /** @returns whether it is clear how the files are judged */
  async #reload(changed: ReadonlyMap<string, string>): Promise<boolean> {
    const { logger, reload } = this.#parts;
    logger.info(
      { files: [...changed.keys()].slice(0, maxNamedFiles) },
      'Files have changed and are read anew',
    );
    try {
      await reload();
      this.#refused = null;
      return true;
    } catch (thrown) {
      if (!(thrown instanceof OmoiError) || !ABOUT_FILES.has(thrown.code)) return false;
      this.#refused = textOf(changed);
      return true;
    }
  }

  #tellOfRestlessness(forMs: number, changed: ReadonlyMap<string, string>): void {
    if (forMs < restlessMs || this.#hasToldOfRestlessness) return;
    this.#hasToldOfRestlessness = true;
    this.#parts.logger.warn(
      { files: [...changed.keys()].slice(0, maxNamedFiles) },
      'Files have been changing for a minute without standing still: they are read once they do, or by omoi reload',
    );
  }
}

/** In a log line. */
const maxNamedFiles = 10;

function textOf(changed: ReadonlyMap<string, string>): string {
  return [...changed].map(([path, state]) => `${path}\0${state}`).join('\n');
}
