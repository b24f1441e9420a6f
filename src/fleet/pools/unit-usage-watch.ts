import { messageOf, type ProcessUsage, type Timer } from '#telemetry';
import type { Runtime } from '../runtimes/runtime.ts';
import type { PoolParts } from './pool-parts.ts';
import type { UnitKey } from './unit-rows.ts';

/** As often as a value that has not changed is kept again. */
const LOOK_EVERY_MS = 15_000;
/** Who was looked at within so long, for whatever reason, is not looked at again for this. */
const FRESH_MS = 10_000;
/**
 * A look is followed by a pause of this many times its length: it costs a two-hundredth of a core. But it waits, too, on a busy
 * machine: the pause is no longer than that what was seen is shown until the next look.
 */
const PAUSE_FOR_LOOK = 200;
const MAX_PAUSE_MS = 30_000;

interface RunningUnit {
  readonly key: UnitKey;
  readonly runtime: Runtime;
}

type Parts = Pick<PoolParts, 'clock' | 'logger' | 'silence' | 'runtimes'>;

/**
 * Tells what the units of agents use: whenever one is looked at, by whomever, and every 15 s for those that nobody has looked at
 * meanwhile, all of a runtime with one pass over the table of processes.
 */
export class UnitUsageWatch {
  readonly #parts: Parts;
  readonly #units: ReadonlyMap<string, RunningUnit>;
  /** Monotonic, by handle: when it was looked at last. */
  readonly #lookedAtMs = new Map<string, number>();
  readonly #timer: Timer;
  #isLooking = false;
  #restUntilMs = 0;

  /** @param units those that run, by handle */
  constructor(parts: Parts, units: ReadonlyMap<string, RunningUnit>) {
    this.#parts = parts;
    this.#units = units;
    for (const runtime of parts.runtimes) {
      runtime.onUsage?.((handle, usage) => this.#take(handle, usage));
    }
    this.#timer = parts.clock.every(LOOK_EVERY_MS, () => void this.#look());
  }

  close(): void {
    this.#timer.cancel();
  }

  #take(handle: string, usage: ProcessUsage): void {
    const unit = this.#units.get(handle);
    if (!unit) return;
    this.#lookedAtMs.set(handle, this.#parts.clock.monotonicMs());
    this.#parts.silence.used(unit.key, usage);
  }

  async #look(): Promise<void> {
    const { clock, logger } = this.#parts;
    const startedMs = clock.monotonicMs();
    if (this.#isLooking || startedMs < this.#restUntilMs) return;
    this.#isLooking = true;
    try {
      const due = Map.groupBy(this.#due(startedMs - FRESH_MS), ([, { runtime }]) => runtime);
      await Promise.all(
        Array.from(due, async ([runtime, units]) => runtime.measure?.(units.map(([handle]) => handle))),
      );
    } catch (error) {
      logger.warn(
        { error: messageOf(error) },
        'What the processes of agents use could not be looked at; trying again.',
      );
    } finally {
      this.#isLooking = false;
      const endedMs = clock.monotonicMs();
      this.#restUntilMs = endedMs + Math.min(MAX_PAUSE_MS, PAUSE_FOR_LOOK * (endedMs - startedMs));
    }
  }

  /** The units that were not looked at since then. */
  #due(sinceMs: number): [string, RunningUnit][] {
    for (const handle of this.#lookedAtMs.keys()) {
      if (!this.#units.has(handle)) this.#lookedAtMs.delete(handle);
    }
    return [...this.#units].filter(([handle]) => (this.#lookedAtMs.get(handle) ?? -Infinity) <= sinceMs);
  }
}
