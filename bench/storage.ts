// Commits of small concurrent transactions on the embedded state database, beside what one fsync costs here.
// npm run bench -- storage [--json] [DIRECTORY]
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openStateDatabase, type StateDatabase } from '#storage';
import { createSystemClock, silentLogger } from '#telemetry';
import { fsyncMs } from './fsync.ts';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean', default: false } },
});
const directory = mkdtempSync(join(positionals[0] ?? tmpdir(), 'omoi-bench-'));
const transactions = 4000;

function report(text: string, row: object): void {
  console.log(options.json ? JSON.stringify(row) : text);
}

async function commitsPerSecond(database: StateDatabase, concurrency: number): Promise<number> {
  let next = 0;
  async function client(): Promise<void> {
    while (next < transactions) {
      const at = next++;
      await database.transaction((tx) =>
        tx.db
          .insertInto('events')
          .values({
            event_type: 'fleet.task.completed',
            entity_type: 'task',
            entity_id: `task-${at}`,
            payload: '{"task_id":"x","duration_ms":12}',
            at_ms: tx.nowMs,
            traceparent: null,
            trace_id: null,
          })
          .execute(),
      );
    }
  }
  const startedMs = performance.now();
  await Promise.all(Array.from({ length: concurrency }, client));
  return transactions / ((performance.now() - startedMs) / 1000);
}

const database = await openStateDatabase({
  directory,
  clock: createSystemClock(),
  logger: silentLogger,
  role: 'server',
});
const oneFsyncMs = fsyncMs(directory);
report(`one fsync: ${oneFsyncMs.toFixed(3)} ms, ${Math.round(1000 / oneFsyncMs)} a second`, {
  row: 'one fsync',
  ms: oneFsyncMs,
});
for (const concurrency of [1, 10, 100, 1000]) {
  const rate = await commitsPerSecond(database, concurrency);
  report(`${String(concurrency).padStart(5)} at once: ${Math.round(rate)} commits a second`, {
    row: `${concurrency} at once`,
    commits_per_second: Math.round(rate),
  });
}
await database.close();
rmSync(directory, { recursive: true });
