// Enqueues tasks steadily: 4 a second, a quarter of what four workers can do, and fewer while they are slower than that.
// With OMOI_DEMO_RATE so many a second, whatever the workers can do.
import { statSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { join } from 'node:path';
import { createAgent } from '@omoi/agent';
import { FILE_COUNT, fileNameFor } from './files.ts';

/** Not imported by name: that would load the client behind `fetch` too, 5 MB a process. */
const { request } = process.getBuiltinModule('node:http');

const serverUrl = process.env['OMOI_URL'] ?? 'http://127.0.0.1:4600';
const token = process.env['OMOI_AGENT_TOKEN'] ?? '';
const askedRate = process.env['OMOI_DEMO_RATE'];
const ratePerSecond = Number(askedRate ?? 4);
const outputDirectory = process.env['OMOI_DEMO_OUTPUT'] ?? 'output';
/** One for each worker, and one that waits for it: more would be a flood on a machine that is busy with something else. */
const maxUnfinished = 8;
/** One that was cancelled, or whose worker hangs, is not waited for longer. */
const MAX_WAIT_MS = 10_000;
/** What the times of files may be behind the clock. */
const FILE_TIME_MS = 20;
/** While the server is away or slow, what would be fed is left out. */
const maxRequestsInFlight = 16;
const REQUEST_TIMEOUT_MS = 5000;
const CYCLE = 20;
const run = process.pid.toString(36) + Date.now().toString(36);

/** Of twenty tasks three are tested and one designed; every fifth is urgent. */
function taskNumber(count: number, file: string): object {
  const place = count % CYCLE;
  const phase = place === 0 ? 'PHASE_DESIGN' : place <= 3 ? 'PHASE_TESTING' : 'PHASE_IMPLEMENTATION';
  return {
    task_type: 'fetch',
    // Nor is it for a worker of somebody else's who takes what comes.
    pool_id: 'demo',
    phase_id: phase,
    priority: place % 5 === 4 ? 5 : 0,
    payload: { file },
    idempotency_key: `feeder-${run}-${count}`,
  };
}

/** What was fed, and the file that is written when it is done. */
let unfinished: { readonly path: string; readonly sinceMs: number }[] = [];
let inFlight = 0;
let count = 0;
const agent = createAgent();
const leftOut = agent.counter('demo_tasks_left_out_total', {
  help: 'Tasks not enqueued because the server was away or slow, or the workers behind.',
});

function writtenAtMs(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** Whether the workers are behind with what was fed. */
function isBehind(): boolean {
  if (unfinished.length < maxUnfinished) return false;
  const nowMs = Date.now();
  unfinished = unfinished.filter(
    ({ path, sinceMs }) => nowMs - sinceMs < MAX_WAIT_MS && writtenAtMs(path) < sinceMs - FILE_TIME_MS,
  );
  return unfinished.length >= maxUnfinished;
}

function feed(): void {
  if (inFlight >= maxRequestsInFlight || isBehind()) {
    leftOut.add(1);
    return;
  }
  inFlight += 1;
  const file = `document ${count % FILE_COUNT}`;
  const fed = { path: join(outputDirectory, `${fileNameFor(file)}.gz`), sinceMs: Date.now() };
  if (askedRate === undefined) unfinished.push(fed);
  const outgoing = request(new URL('/api/v1/fleet/tasks', serverUrl), {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    timeout: REQUEST_TIMEOUT_MS,
  });
  let enqueued = false;
  outgoing.on('response', (response) => {
    enqueued = response.statusCode === 201;
    response.resume();
  });
  outgoing.on('timeout', () => outgoing.destroy());
  // What went wrong is in the count: `close` follows every end.
  outgoing.on('error', () => {});
  outgoing.on('close', () => {
    inFlight -= 1;
    if (enqueued) return;
    leftOut.add(1);
    // It waits in no queue: nobody will work it off.
    unfinished = unfinished.filter((one) => one !== fed);
  });
  outgoing.end(JSON.stringify(taskNumber(count++, file)));
}

setInterval(feed, 1000 / ratePerSecond);
// What was compiled is kept now: a process that is killed would keep nothing, and the next one be larger.
flushCompileCache();
