import type { Clock, Timer } from '#telemetry';
import type { StartRates } from './start-rates.ts';

const maxParallelSpawns = 8;
/** How often it is told who waits for his turn. */
const TELL_WAITING_EVERY_MS = 1000;

interface Spawner<Key> {
  /** What is the same for keys of the same unit. */
  nameOf(key: Key): string;
  poolOf(key: Key): string;
  /** Never rejects. @returns whether a unit was started, or was to be and could not */
  spawn(key: Key): Promise<boolean>;
  /** Told every second: they have not been started because others are before them. */
  waiting(keys: readonly Key[]): void;
}

/**
 * Units that shall be started: a few at a time, each by one at a time, some of them later, and not more of a pool, and of
 * all, than their rates allow. The pools take turns, so that none waits for all the starts of another.
 */
export class SpawnQueue<Key> {
  readonly #clock: Clock;
  readonly #spawner: Spawner<Key>;
  readonly #rates: StartRates;
  /** By pool, the one whose turn comes next first. */
  readonly #waiting = new Map<string, Key[]>();
  readonly #busy = new Set<string>();
  /** Asked for once more while it was busy: what it saw may have changed meanwhile. */
  readonly #again = new Map<string, Key>();
  readonly #retries = new Map<string, Timer>();
  /** When the first of those that wait for their rate may be started. */
  #rateTimer: Timer | null = null;
  readonly #telling: Timer;
  #begun = false;
  #stopped = false;

  constructor(clock: Clock, spawner: Spawner<Key>, rates: StartRates) {
    this.#clock = clock;
    this.#spawner = spawner;
    this.#rates = rates;
    this.#telling = clock.every(TELL_WAITING_EVERY_MS, () => {
      if (this.#waiting.size > 0) spawner.waiting([...this.#waiting.values()].flat());
    });
  }

  /** What was added before waits until then. */
  begin(): void {
    this.#begun = true;
    this.#pump();
  }

  add(key: Key): void {
    this.#enqueue(key);
    this.#pump();
  }

  /** In place of what was to be tried later before. */
  addAfter(key: Key, delayMs: number): void {
    const name = this.#spawner.nameOf(key);
    this.#retries.get(name)?.cancel();
    this.#retries.set(
      name,
      this.#clock.after(delayMs, () => {
        this.#retries.delete(name);
        this.add(key);
      }),
    );
  }

  /** Begins nothing more; what is under way goes on. */
  stop(): void {
    this.#stopped = true;
    this.#telling.cancel();
    this.#rateTimer?.cancel();
    for (const timer of this.#retries.values()) timer.cancel();
  }

  #enqueue(key: Key): void {
    const poolId = this.#spawner.poolOf(key);
    const keys = this.#waiting.get(poolId);
    if (keys) keys.push(key);
    else this.#waiting.set(poolId, [key]);
  }

  #pump(): void {
    while (this.#busy.size < maxParallelSpawns && this.#begun && !this.#stopped) {
      const next = this.#next();
      if (next === null) return;
      const { poolId, key } = next;
      const name = this.#spawner.nameOf(key);
      if (this.#busy.has(name)) this.#again.set(name, key);
      else void this.#spawn({ name, poolId, key });
    }
  }

  /** The first of the first pool that may start one now; where there is none, it is looked again when there may be. */
  #next(): { readonly poolId: string; readonly key: Key } | null {
    let soonestMs = Number.POSITIVE_INFINITY;
    for (const [poolId, keys] of this.#waiting) {
      const waitMs = this.#rates.waitMs(poolId);
      soonestMs = Math.min(soonestMs, waitMs);
      if (waitMs > 0) continue;
      const key = keys.shift();
      // Its turn is over: it goes behind the others.
      this.#waiting.delete(poolId);
      if (keys.length > 0) this.#waiting.set(poolId, keys);
      if (key !== undefined) return { poolId, key };
    }
    if (Number.isFinite(soonestMs)) this.#pumpIn(soonestMs);
    return null;
  }

  #pumpIn(delayMs: number): void {
    this.#rateTimer?.cancel();
    this.#rateTimer = this.#clock.after(delayMs, () => {
      this.#rateTimer = null;
      this.#pump();
    });
  }

  async #spawn({
    name,
    poolId,
    key,
  }: {
    readonly name: string;
    readonly poolId: string;
    readonly key: Key;
  }): Promise<void> {
    this.#busy.add(name);
    this.#rates.take(poolId);
    if (!(await this.#spawner.spawn(key))) this.#rates.giveBack(poolId);
    this.#busy.delete(name);
    const again = this.#again.get(name);
    if (again !== undefined && this.#again.delete(name)) this.#enqueue(again);
    this.#pump();
  }
}
