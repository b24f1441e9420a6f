import { expect, it } from 'vitest';
import { silentLogger, VirtualClock } from '#telemetry';
import { LogFiles } from './log-files.ts';
import { OutputUpkeep } from './output-upkeep.ts';

/** Files so many that a look takes its time, and when each look began, in s. */
class SlowFiles extends LogFiles {
  readonly tidied: number[] = [];
  readonly looked: number[] = [];
  readonly #clock: VirtualClock;
  readonly #lookMs: number;
  readonly #startMs: number;

  constructor(clock: VirtualClock, lookMs: number) {
    super('/nowhere');
    this.#clock = clock;
    this.#lookMs = lookMs;
    this.#startMs = clock.monotonicMs();
  }

  override async tidy(): Promise<void> {
    await this.#take(this.tidied);
  }

  override async look(which: 'all' | 'hot'): Promise<void> {
    if (which === 'all') await this.#take(this.looked);
  }

  async #take(begun: number[]): Promise<void> {
    begun.push((this.#clock.monotonicMs() - this.#startMs) / 1000);
    if (this.#lookMs === 0) return;
    await new Promise<void>((resolve) => this.#clock.after(this.#lookMs, resolve));
  }
}

it.each([
  ['at once, are looked at every second and every ten', 0, { looked: 39, tidied: 4 }],
  ['in two seconds, are looked at less often', 2000, { looked: 6, tidied: 2 }],
])('output files that can be looked at %s', async (_, lookMs, expected) => {
  const clock = new VirtualClock();
  const logs = new SlowFiles(clock, lookMs);
  const upkeep = new OutputUpkeep({ clock, logger: silentLogger, logs });
  for (let step = 0; step < 160; step++) await clock.advance(250);
  upkeep.close();
  expect({ looked: logs.looked.length, tidied: logs.tidied.length }).toEqual(expected);
});
