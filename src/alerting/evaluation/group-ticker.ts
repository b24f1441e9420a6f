import type { Clock, Timer } from '#telemetry';

/**
 * When a group's interval comes round next: at multiples of the interval, moved by a share of it that depends on
 * the group's name, so that groups don't all come at once. The same after every restart. Times are wall ms.
 */
export function nextTickMs(nowMs: number, intervalMs: number, identity: string): number {
  const offsetMs = hash32(identity) % intervalMs;
  const passed = Math.floor((nowMs - offsetMs) / intervalMs);
  return (passed + 1) * intervalMs + offsetMs;
}

/** FNV-1a, 32 bits. */
function hash32(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}

/** Calls back whenever a group's interval comes round. */
export class GroupTicker {
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #identity: string;
  readonly #onTick: () => void;
  #timer: Timer | null = null;

  constructor(
    clock: Clock,
    group: { readonly intervalMs: number; readonly identity: string },
    onTick: () => void,
  ) {
    this.#clock = clock;
    this.#intervalMs = group.intervalMs;
    this.#identity = group.identity;
    this.#onTick = onTick;
  }

  start(): void {
    this.#await(nextTickMs(this.#clock.wallMs(), this.#intervalMs, this.#identity));
  }

  stop(): void {
    this.#timer?.cancel();
  }

  /** A timer keeps another time than the wall clock where that is slowed down: what fires too early waits on. */
  #await(dueMs: number): void {
    const delayMs = dueMs - this.#clock.wallMs();
    this.#timer = this.#clock.after(Math.max(1, delayMs), () => {
      if (this.#clock.wallMs() < dueMs) {
        this.#await(dueMs);
        return;
      }
      this.start();
      this.#onTick();
    });
  }
}
