// Enqueues tasks steadily: OMOI_DEMO_RATE a second (9 is about half of what four workers can do).
import { flushCompileCache } from 'node:module';
import { createAgent } from '@omoi/agent';
import { FILE_COUNT } from './files.ts';

/** Not imported by name: that would load the client behind `fetch` too, 5 MB a process. */
const { request } = process.getBuiltinModule('node:http');

const serverUrl = process.env['OMOI_URL'] ?? 'http://127.0.0.1:4600';
const token = process.env['OMOI_AGENT_TOKEN'] ?? '';
const ratePerSecond = Number(process.env['OMOI_DEMO_RATE'] ?? 9);
/** While the server is away or slow, what would be fed is left out. */
const maxRequestsInFlight = 16;
const REQUEST_TIMEOUT_MS = 5000;
const CYCLE = 20;
const run = process.pid.toString(36) + Date.now().toString(36);

/** Of twenty tasks three are tested and one designed; every fifth is urgent. */
function taskNumber(count: number): object {
  const place = count % CYCLE;
  const phase = place === 0 ? 'PHASE_DESIGN' : place <= 3 ? 'PHASE_TESTING' : 'PHASE_IMPLEMENTATION';
  return {
    task_type: 'fetch',
    // Nor is it for a worker of somebody else's who takes what comes.
    pool_id: 'demo',
    phase_id: phase,
    priority: place % 5 === 4 ? 5 : 0,
    payload: { file: `document ${count % FILE_COUNT}` },
    idempotency_key: `feeder-${run}-${count}`,
  };
}

let inFlight = 0;
let count = 0;
const agent = createAgent();
const leftOut = agent.counter('demo_tasks_left_out_total', {
  help: 'Tasks not enqueued because the server was away or slow.',
});

function feed(): void {
  if (inFlight >= maxRequestsInFlight) {
    leftOut.add(1);
    return;
  }
  inFlight += 1;
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
    if (!enqueued) leftOut.add(1);
  });
  outgoing.end(JSON.stringify(taskNumber(count++)));
}

setInterval(feed, 1000 / ratePerSecond);
// What was compiled is kept now: a process that is killed would keep nothing, and the next one be larger.
flushCompileCache();
