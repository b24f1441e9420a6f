import { messageOf, type Timer } from '#telemetry';
import type { Runtime } from '../runtimes/runtime.ts';
import type { PoolParts } from './pool-parts.ts';
import type { UnitKey } from './unit-rows.ts';

/** Much less than the shortest TTL that agents have without asking for one. */
const LOOK_EVERY_MS = 500;
/**
 * A look that took long is followed by a pause of this many times its length, so that it costs a twentieth of a core;
 * but a short one, for nobody's silence may become long before it is looked at. (On a busy machine a look takes long
 * because it waits.)
 */
const PAUSE_FOR_LOOK = 20;
const MAX_PAUSE_MS = 1000;
/** Who was silent before that shows what it does with the next look: what it did since the last one is no news. */
const COMPARED_WITHIN_MS = 5000;

interface RunningUnit {
  readonly key: UnitKey;
  readonly runtime: Runtime;
}

/**
 * Looks at what the units of silent agents do, while there are any: whether their processes are stopped, stand still
 * or work. All of a runtime are looked at together.
 */
export class UnitActivityWatch {
  readonly #parts: Pick<PoolParts, 'clock' | 'logger' | 'silence'>;
  readonly #units: ReadonlyMap<string, RunningUnit>;
  readonly #timer: Timer;
  #looking = false;
  #restUntilMs = 0;

  /** @param units those that run, by handle */
  constructor(
    parts: Pick<PoolParts, 'clock' | 'logger' | 'silence'>,
    units: ReadonlyMap<string, RunningUnit>,
  ) {
    this.#parts = parts;
    this.#units = units;
    this.#timer = parts.clock.every(LOOK_EVERY_MS, () => void this.#look());
  }

  close(): void {
    this.#timer.cancel();
  }

  async #look(): Promise<void> {
    const { clock, logger } = this.#parts;
    const startedMs = clock.monotonicMs();
    if (this.#looking || startedMs < this.#restUntilMs) return;
    this.#looking = true;
    try {
      const silent = this.#silentUnits();
      await Promise.all([...silent].map(([runtime, handles]) => this.#lookAt(runtime, handles)));
    } catch (error) {
      logger.warn(
        { error: messageOf(error) },
        'Processes of silent agents could not be looked at; trying again.',
      );
    } finally {
      this.#looking = false;
      const endedMs = clock.monotonicMs();
      this.#restUntilMs = endedMs + Math.min(MAX_PAUSE_MS, PAUSE_FOR_LOOK * (endedMs - startedMs));
    }
  }

  /** The handles of the silent agents' units, by runtime. */
  #silentUnits(): ReadonlyMap<Runtime, readonly string[]> {
    const byRuntime = new Map<Runtime, string[]>();
    const silent = new Map(this.#parts.silence.silent().map((agent) => [agent.agentId, agent.generation]));
    if (silent.size === 0) return byRuntime;
    for (const [handle, { key, runtime }] of this.#units) {
      if (silent.get(key.agentId) !== key.generation) continue;
      const handles = byRuntime.get(runtime);
      if (handles) handles.push(handle);
      else byRuntime.set(runtime, [handle]);
    }
    return byRuntime;
  }

  async #lookAt(runtime: Runtime, handles: readonly string[]): Promise<void> {
    for (const [handle, activity] of await runtime.activity(handles, { withinMs: COMPARED_WITHIN_MS })) {
      const unit = this.#units.get(handle);
      if (unit) this.#parts.silence.showed(unit.key, activity);
    }
  }
}
