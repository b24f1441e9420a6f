import type { Clock, Timer } from '#telemetry';

const maxParallelSpawns = 8;

interface Spawner<Key> {
  /** What is the same for keys of the same unit. */
  nameOf(key: Key): string;
  /** Never rejects. */
  spawn(key: Key): Promise<void>;
}

/** Units that shall be started: a few at a time, each by one at a time, some of them later. */
export class SpawnQueue<Key> {
  readonly #clock: Clock;
  readonly #spawner: Spawner<Key>;
  readonly #waiting: Key[] = [];
  readonly #busy = new Set<string>();
  /** Asked for once more while it was busy: what it saw may have changed meanwhile. */
  readonly #again = new Map<string, Key>();
  readonly #retries = new Map<string, Timer>();
  #stopped = false;

  constructor(clock: Clock, spawner: Spawner<Key>) {
    this.#clock = clock;
    this.#spawner = spawner;
  }

  add(key: Key): void {
    this.#waiting.push(key);
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
    for (const timer of this.#retries.values()) timer.cancel();
  }

  #pump(): void {
    while (this.#busy.size < maxParallelSpawns && !this.#stopped) {
      const key = this.#waiting.shift();
      if (key === undefined) return;
      const name = this.#spawner.nameOf(key);
      if (this.#busy.has(name)) this.#again.set(name, key);
      else void this.#spawn(name, key);
    }
  }

  async #spawn(name: string, key: Key): Promise<void> {
    this.#busy.add(name);
    await this.#spawner.spawn(key);
    this.#busy.delete(name);
    const again = this.#again.get(name);
    if (again !== undefined && this.#again.delete(name)) this.#waiting.push(again);
    this.#pump();
  }
}
