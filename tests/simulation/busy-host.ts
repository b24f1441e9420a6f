import type { Random, Timer, VirtualClock } from '#telemetry';
import { between } from './chance.ts';
import type { Machine } from './machine.ts';

interface HostWorld {
  readonly clock: VirtualClock;
  readonly random: Random;
  readonly machine: Machine;
  stallServer(forMs: number): boolean;
}

/** What others do with the CPUs: for how long, and for how long nobody else has one at the worst; ms. */
interface Load {
  readonly untilMs: number;
  readonly peakMs: number;
}

/** The first delay of a load is a quarter of its worst: what takes the CPUs begins as one of many. */
const FIRST_SHARE = 0.25;
const GROWTH = 1.5;
/**
 * Nobody waits as long as the others: for this share of the delay, at least. Were the server hardly held up where an idle agent
 * gets no CPU for seconds, that agent would be given up as silent.
 */
const MIN_SHARE = 0.4;
const MAX_PAUSE_MS = 2500;

/** Others use the CPUs of the machine: the server and its agents get them late, and each time together. */
export class BusyHost {
  readonly #world: HostWorld;
  #next: Timer | null = null;

  constructor(world: HostWorld) {
    this.#world = world;
  }

  /** @returns whether it was not busy before */
  begin(forMs: number, peakMs: number): boolean {
    if (this.#next) return false;
    const untilMs = this.#world.clock.monotonicMs() + forMs;
    this.#delay({ untilMs, peakMs }, peakMs * FIRST_SHARE);
    return true;
  }

  rest(): void {
    this.#next?.cancel();
    this.#next = null;
  }

  #delay(load: Load, delayMs: number): void {
    const { clock, random, machine } = this.#world;
    if (clock.monotonicMs() >= load.untilMs) {
      this.rest();
      return;
    }
    const waitMs = (): number => between(random, Math.round(delayMs * MIN_SHARE), Math.round(delayMs));
    this.#world.stallServer(waitMs());
    for (const { worker } of machine.processes) worker.starve(waitMs());
    const againMs = delayMs + between(random, 100, MAX_PAUSE_MS);
    const nextMs = Math.min(load.peakMs, delayMs * GROWTH);
    this.#next = clock.after(againMs, () => this.#delay(load, nextMs));
  }
}
