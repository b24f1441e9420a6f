import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { processesMarked } from '../../scripts/marked-processes.mjs';
import { isLong } from '../long-tests.ts';

const BENCH = fileURLToPath(new URL('../../bench/supervision.ts', import.meta.url));
const FLAGS = ['--conditions=omoi-source', '--disable-warning=ExperimentalWarning'];
/** It waits more than it works: some two minutes where it is all of it. */
const TIME_LIMIT_MS = 900_000;
const SMALL = ['--kills=1', '--workers=3', '--hangs=1', '--silences=2', '--turns=1'];
/** Each part starts a server of its own. */
const PARTS = isLong ? [] : ['--only=wrong actions'];

it(
  `${isLong ? 'every part of the bench' : 'the part of wrong actions'} comes to its end, nothing is repaired that is not ill, and nothing is left behind`,
  { timeout: TIME_LIMIT_MS },
  async () => {
    const directory = mkdtempSync(join(tmpdir(), 'omoi-bench-'));
    const bench = spawn(process.execPath, [...FLAGS, BENCH, '--json', ...SMALL, ...PARTS], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, TMPDIR: directory },
    });
    let written = '';
    let complaints = '';
    bench.stdout.setEncoding('utf8').on('data', (text: string) => (written += text));
    bench.stderr.setEncoding('utf8').on('data', (text: string) => (complaints += text));
    await once(bench, 'close');
    expect(bench.exitCode, complaints).toBe(0);
    // A server hands its temporary directory on to its workers.
    expect(processesMarked(`TMPDIR=${directory}`)).toEqual([]);
    expect(readdirSync(directory)).toEqual([]);
    rmSync(directory, { recursive: true });
    const lines = written
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
    const rows = lines.slice(0, -1);
    expect(lines.at(-1)).toEqual({ rows });
    // How long things take is not what this test looks at, but for what may not take longer than it is promised (`late`, by how fast
    // the machine was meanwhile); what a starved machine may have made ill is `undecided`.
    const time = expect.any(Number) as number;
    const count = time;
    const parts = [
      { row: 'exit to running', kills: 1, ours_p50_ms: time, running_p50_ms: time, proven_p50_ms: time },
      { row: 'all killed at once', killed: 3, orders: count, starts: count, all_back_ms: time },
      { row: 'hang to proven', hangs: 1, noticed_p50_ms: time, noticed_to_proven_max_ms: time },
      { row: 'silence in turn', silences: 2, overlapped: 0, unresponsive_to_proven_max_ms: time, late: 0 },
      {
        row: 'silence overlapping',
        silences: 2,
        overlapped: 2,
        unresponsive_to_proven_max_ms: time,
        late: 0,
      },
      { row: 'wrong actions', faults: 8, ill: 1, acted: count, wrong: 0, undecided: count },
    ];
    expect(rows).toMatchObject(isLong ? parts : parts.slice(-1));
    for (const row of rows)
      for (const [name, value] of Object.entries(row))
        if (name.endsWith('_ms')) expect(value, `${String(row['row'])} ${name}`).toBeGreaterThanOrEqual(0);
  },
);
