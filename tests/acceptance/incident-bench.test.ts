import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { reachedOf, type BrokenRow, type Row } from '../../bench/incident/row.ts';

const BENCH = fileURLToPath(new URL('../../bench/incident.ts', import.meta.url));
/** Some 150 s on two free cores. */
const TIME_LIMIT_MS = 900_000;
const FLAGS = ['--conditions=omoi-source', '--disable-warning=ExperimentalWarning'];

/** The workers that a bench had started and left behind: each names the process of the bench in its command. */
function leftBehind(pid: number): readonly string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        return [readFileSync(`/proc/${name}/cmdline`, 'utf8')];
      } catch {
        // It has ended meanwhile.
        return [];
      }
    })
    .filter((command) => command.endsWith(`\0${pid}\0`));
}

/** The lines of the bench at a tenth of its size: rows, and at last all of them together. */
async function linesOfBench(): Promise<readonly unknown[]> {
  const bench = spawn(process.execPath, [...FLAGS, BENCH, '--json', '--scale=0.1'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let written = '';
  let complaints = '';
  bench.stdout.setEncoding('utf8').on('data', (text: string) => (written += text));
  bench.stderr.setEncoding('utf8').on('data', (text: string) => (complaints += text));
  await once(bench, 'close');
  expect(bench.exitCode, complaints).toBe(0);
  expect(leftBehind(bench.pid ?? 0)).toEqual([]);
  return written
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
}

function sum(rows: readonly (Row | BrokenRow)[], count: (row: Row) => number): number {
  return rows.reduce((total, row) => total + ('broke' in row ? 0 : count(row)), 0);
}

const SERVED = {
  count: 100,
  p50_ms: 5,
  p99_ms: 20,
  max_ms: 30,
  unanswered: 1,
  unanswered_max_ms: 4,
  failed: 0,
};
const IN_MEMORY = { heap_mb: 100, external_mb: 10, array_buffers_mb: 5, resident_mb: 200, series: 9000 };

it.each([
  ['all in time', {}, 0, true],
  ['too late', { p99_ms: 101 }, 0, false],
  ['none', { count: 0 }, 0, false],
  ['one that failed', { failed: 1 }, 0, false],
  ['one that waits without an answer', { unanswered_max_ms: 3000 }, 0, false],
  ['one that could not be raised', {}, 1, false],
])('uninvolved alerts, %s: acted upon within 100 ms?', (_, alerts, skipped, reached) => {
  const row = {
    probes: {
      alert_to_action: { ...SERVED, ...alerts },
      alerts_skipped: skipped,
      heartbeats: SERVED,
      claims: SERVED,
      cpu_seconds: 1,
    },
    loop: {
      seconds: 10,
      cpu_seconds: 5,
      longest_cpu_ms: 20,
      longest_cpu_wall_ms: 25,
      longest_cpu_gc_ms: 0,
      longest_wall_ms: 25,
      longest_gc_ms: 0,
      over_10_ms: 3,
      over_50_ms: 0,
    },
    memory: { before: IN_MEMORY, after: IN_MEMORY },
  };
  expect(reachedOf(row)).toEqual({
    no_stretch_over_50_ms: true,
    alert_acted_on_within_100_ms: reached,
    heartbeats_within_50_ms: true,
    memory_back: true,
    resident_back: true,
  });
});

// How long things take is nothing that this test looks at: the bench itself tells, on a machine that is free.
it(
  'every incident of the bench happens, and the uninvolved are served meanwhile',
  { timeout: TIME_LIMIT_MS },
  async () => {
    const lines = await linesOfBench();
    const rows = lines.slice(0, -1) as readonly (Row | BrokenRow)[];
    expect(lines.at(-1)).toMatchObject({ rows, broke: [] });
    const happened = new Map(rows.map((row) => [row.row, 'broke' in row ? row.broke : row.happened]));

    expect(happened.get('series go')).toMatchObject({ series: 200_000, gone_after_s: expect.any(Number) });
    expect(happened.get('alerts fire and recover')).toMatchObject({ fired: 500, recovered: 500 });
    expect(happened.get('alerts fire with receivers')).toMatchObject({
      told: 500,
      told_after_s: expect.any(Number),
      recovered: 500,
    });
    expect(happened.get('alerts pend')).toMatchObject({
      pending: 1000,
      calm_after_s: expect.any(Number),
    });
    expect(happened.get('agents fall silent')).toMatchObject({ given_up: 200, back: 200 });
    expect(happened.get('remediations held back')).toMatchObject({ held_back: 100, restarts: 1 });
    for (const encoding of ['protobuf', 'JSON']) {
      expect(happened.get(`large bodies ${encoding}`)).toMatchObject({ refused: 0 });
      expect(happened.get(`large bodies ${encoding}`)).not.toMatchObject({ bodies: 0 });
    }
    expect(happened.get('clients claim')).toMatchObject({ refused: 0 });
    expect(happened.get('clients claim')).not.toMatchObject({ claimed: 0 });
    expect(happened.get('spans expire')).toMatchObject({
      expired: 100_000,
      seconds_since_start: expect.any(Number),
    });

    expect(sum(rows, ({ probes }) => probes.alert_to_action.count)).toBeGreaterThan(0);
    for (const row of rows) {
      if ('broke' in row) throw new Error(`${row.row} broke: ${row.broke}`);
      const { probes, loop, memory } = row;
      expect(probes.heartbeats.count, row.row).toBeGreaterThan(0);
      expect(probes.claims.count, row.row).toBeGreaterThan(0);
      for (const { failed } of [probes.alert_to_action, probes.heartbeats, probes.claims]) {
        expect(failed, row.row).toBe(0);
      }
      // An uninvolved alert was acted upon after it, if not while it lasted.
      expect(row.well_after_s, row.row).not.toBeNull();
      expect(loop.cpu_seconds, row.row).toBeGreaterThan(0);
      expect(loop.longest_cpu_ms, row.row).toBeGreaterThan(0);
      expect(memory.after.heap_mb, row.row).toBeGreaterThan(10);
      expect(memory.after.resident_mb, row.row).toBeGreaterThan(memory.after.heap_mb);
    }
  },
);
