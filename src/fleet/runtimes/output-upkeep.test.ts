import { appendFileSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { silentLogger, VirtualClock } from '#telemetry';
import { LogFiles, logLimitsOf } from './log-files.ts';
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

  override get areFew(): boolean {
    return this.#lookMs === 0;
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
  ['at once, are looked at four times a second and tidied every ten', 0, { looked: 153, tidied: 4 }],
  ['in two seconds, are looked at less often', 2000, { looked: 6, tidied: 2 }],
])('output files that can be looked at %s', async (_, lookMs, expected) => {
  const clock = new VirtualClock();
  const logs = new SlowFiles(clock, lookMs);
  const upkeep = new OutputUpkeep({ clock, logger: silentLogger, logs });
  for (let step = 0; step < 160; step++) await clock.advance(250);
  upkeep.close();
  expect({ looked: logs.looked.length, tidied: logs.tidied.length }).toEqual(expected);
});

/** Files whose looks can be waited for. */
class AwaitedFiles extends LogFiles {
  looking: Promise<void> = Promise.resolve();

  override look(which: 'all' | 'hot'): Promise<void> {
    return (this.looking = super.look(which));
  }
}

it.each([
  ['at once', 0],
  ['after it was quiet for a while', 5000],
])(
  'a program that begins %s to write more than twice its quota a second is held to it',
  async (_, quietMs) => {
    const directory = mkdtempSync(join(tmpdir(), 'omoi-upkeep-'));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    const clock = new VirtualClock();
    const maxAgentBytes = 64 * 1024;
    const logs = new AwaitedFiles(
      directory,
      logLimitsOf({ maxAgentBytes, maxBytes: 2 ** 30, reserveBytes: 0 }),
    );
    const upkeep = new OutputUpkeep({ clock, logger: silentLogger, logs });
    const { stdout } = logs.make('coders-1', 1);
    const pass = async (ms: number): Promise<void> => {
      await clock.advance(ms);
      await logs.looking;
      // What follows a look begins in the turns behind it.
      for (let turn = 0; turn < 3; turn++) await new Promise((next) => setImmediate(next));
    };
    for (let passedMs = 0; passedMs < quietMs; passedMs += 50) await pass(50);
    const piece = Buffer.alloc(750, 'y');
    let most = 0;
    for (let writtenMs = 0; writtenMs < 4000; writtenMs += 5) {
      appendFileSync(stdout, piece);
      await pass(5);
      const kept = readdirSync(join(directory, 'coders-1')).map(
        (file) => statSync(join(directory, 'coders-1', file)).size,
      );
      most = Math.max(
        most,
        kept.reduce((sum, size) => sum + size, 0),
      );
    }
    upkeep.close();
    expect(most).toBeLessThanOrEqual(maxAgentBytes);
  },
);
