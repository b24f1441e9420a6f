// Commits of small concurrent transactions on the embedded state database, beside what one fsync costs here.
// node --conditions=omoi-source bench/storage.ts [directory]
import { closeSync, fsyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStateDatabase, type StateDatabase } from '#storage';
import { createSystemClock, silentLogger } from '#telemetry';

const directory = mkdtempSync(join(process.argv[2] ?? tmpdir(), 'omoi-bench-'));
const transactions = 4000;

function fsyncMs(): number {
  const file = openSync(join(directory, 'fsync'), 'w');
  const page = Buffer.alloc(4096, 1);
  const rounds = 200;
  const startedMs = performance.now();
  for (let round = 0; round < rounds; round++) {
    writeSync(file, page);
    fsyncSync(file);
  }
  closeSync(file);
  return (performance.now() - startedMs) / rounds;
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
const oneFsyncMs = fsyncMs();
console.log(`one fsync: ${oneFsyncMs.toFixed(3)} ms, ${Math.round(1000 / oneFsyncMs)} a second`);
for (const concurrency of [1, 10, 100, 1000]) {
  const rate = await commitsPerSecond(database, concurrency);
  console.log(`${String(concurrency).padStart(5)} at once: ${Math.round(rate)} commits a second`);
}
await database.close();
rmSync(directory, { recursive: true });
