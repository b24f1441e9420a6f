import { messageOf, type Clock, type Logger } from '#telemetry';
import { keepAliveDuring } from './keep-alive.ts';

interface RunningPart {
  readonly name: string;
  readonly stop: () => Promise<void> | void;
}

/** A part that takes longer to stop is named in the log, and left behind. */
export const maxPartStopMs = 10_000;
/** Once so much is over in sum, as where the database that they all write to hangs, each is waited for only shortly. */
export const maxStopMs = 30_000;
export const leastPartStopMs = 1000;

/** Remembers how to stop what was started; stops in reverse, each part once, and never stops half-way. */
export class Lifecycle {
  readonly #clock: Clock;
  readonly #parts: RunningPart[] = [];
  #stopping: Promise<readonly string[]> | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Registers a part's stop beside its start. */
  started(name: string, stop: RunningPart['stop']): void {
    this.#parts.push({ name, stop });
  }

  /** @returns the parts that were left behind: what they hold may keep the process alive */
  stop(logger: Logger): Promise<readonly string[]> {
    this.#stopping ??= keepAliveDuring(() => this.#stopAll(logger));
    return this.#stopping;
  }

  async #stopAll(logger: Logger): Promise<readonly string[]> {
    const leftBehind: string[] = [];
    const startedMs = this.#clock.monotonicMs();
    for (let part = this.#parts.pop(); part; part = this.#parts.pop()) {
      const leftMs = startedMs + maxStopMs - this.#clock.monotonicMs();
      const withinMs = Math.max(leastPartStopMs, Math.min(maxPartStopMs, leftMs));
      if (await this.#stopsWithin(part, { withinMs, logger })) continue;
      leftBehind.push(part.name);
      logger.error(
        { part: part.name, waited_ms: withinMs },
        'Part does not stop: the stop goes on without it.',
      );
    }
    return leftBehind;
  }

  async #stopsWithin(
    part: RunningPart,
    { withinMs, logger }: { readonly withinMs: number; readonly logger: Logger },
  ): Promise<boolean> {
    const stopped = stop(part, logger).then(() => true);
    const late = Promise.withResolvers<boolean>();
    const timer = this.#clock.after(withinMs, () => late.resolve(false));
    const inTime = await Promise.race([stopped, late.promise]);
    timer.cancel();
    return inTime;
  }
}

/** Never rejects. */
async function stop(part: RunningPart, logger: Logger): Promise<void> {
  try {
    await part.stop();
  } catch (thrown) {
    logger.error({ part: part.name, error: messageOf(thrown) }, 'Part did not stop cleanly.');
  }
}
