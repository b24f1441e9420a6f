import { messageOf, type Logger } from '#telemetry';

interface RunningPart {
  readonly name: string;
  readonly stop: () => Promise<void> | void;
}

/** Remembers how to stop what was started; stops in reverse, each part once, and never stops half-way. */
export class Lifecycle {
  readonly #parts: RunningPart[] = [];
  #stopping: Promise<void> | null = null;

  /** Registers a part's stop beside its start. */
  started(name: string, stop: RunningPart['stop']): void {
    this.#parts.push({ name, stop });
  }

  stop(logger: Logger): Promise<void> {
    this.#stopping ??= this.#stopAll(logger);
    return this.#stopping;
  }

  async #stopAll(logger: Logger): Promise<void> {
    for (let part = this.#parts.pop(); part; part = this.#parts.pop()) {
      try {
        await part.stop();
      } catch (thrown) {
        logger.error({ part: part.name, error: messageOf(thrown) }, 'A part did not stop cleanly');
      }
    }
  }
}
