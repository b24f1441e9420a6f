import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { SelfMetrics, createMatcher, createSeededRandom, createSystemClock, silentLogger } from '#telemetry';
import { createTsdb } from '#tsdb';
import { isLong } from '../long-tests.ts';

const SERIES = 50;
const KILLS = isLong ? 100 : 4;
const WRITER = fileURLToPath(new URL('tsdb-writer.ts', import.meta.url));

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'omoi-crash-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

/** Runs the writer until it has acknowledged `steps` steps and a little longer; the last step it acknowledged. */
async function writeAndKill(options: { firstStep: number; startMs: number; steps: number; delayMs: number }) {
  const { firstStep, startMs, steps, delayMs } = options;
  const child = spawn(
    process.execPath,
    ['--conditions=omoi-source', WRITER, directory, String(firstStep), String(startMs)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let acknowledged = firstStep - 1;
  const lines = createInterface({ input: child.stdout });
  const closed = new Promise<void>((resolve) => {
    lines.once('close', () => resolve());
  });
  let isDoomed = false;
  lines.on('line', (line) => {
    acknowledged = Number(line);
    if (acknowledged < firstStep + steps || isDoomed) return;
    isDoomed = true;
    // A moment that the writer can't foresee: in a write, a sync, a rename.
    setTimeout(() => child.kill('SIGKILL'), delayMs);
  });
  await closed;
  return acknowledged;
}

test('every acknowledged sample is there after kill -9 at random moments', async () => {
  const seed = Date.now() % 1_000_000;
  const random = createSeededRandom(seed);
  const startMs = Date.now();
  let acknowledged = -1;
  for (let kill = 0; kill < KILLS; kill++) {
    const steps = 20 + Math.floor(random.next() * 150);
    const delayMs = random.next() * 20;
    acknowledged = await writeAndKill({ firstStep: acknowledged + 1, startMs, steps, delayMs });
    const clock = createSystemClock();
    const tsdb = await createTsdb({ clock, logger: silentLogger, selfMetrics: new SelfMetrics(), directory });
    const found = await tsdb.select({
      matchers: [createMatcher('__name__', '=', 'm')],
      startMs,
      endMs: startMs + acknowledged,
    });
    const seen = new Set<number>();
    for (const { labels, timestampsMs, values } of found) {
      timestampsMs.forEach((timestampMs, at) => {
        const step = timestampMs - startMs;
        expect(values[at], `seed ${seed}`).toBe(step * 1000 + Number(labels['series']));
        seen.add(step * SERIES + Number(labels['series']));
      });
    }
    expect(seen.size, `seed ${seed}, after kill ${kill}, step ${acknowledged}`).toBe(
      (acknowledged + 1) * SERIES,
    );
    expect(tsdb.recovery?.orphanedSamples).toBe(0);
    // Every second time the store goes down with its own log open, as if this process had been killed too.
    if (kill % 2 === 0) await tsdb.stop();
  }
});
