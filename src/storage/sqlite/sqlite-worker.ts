// Runs in a worker thread and alone touches node:sqlite. Imports relatively: a thread knows no import map.
import { parentPort, workerData } from 'node:worker_threads';
import { sendReplies } from './reply-port.ts';
import { SqliteConnections } from './sqlite-connections.ts';
import { stayInBackground } from './thread-priority.ts';
import type { SqliteRequest, SqliteWorkerData } from './worker-protocol.ts';

const port = parentPort;
if (!port) throw new Error('sqlite-worker runs in a worker thread');
// The thread that started this one is of the same build: it sends what the protocol says.
const { takesLock, commitsBegun, replyWay, ...file } = workerData as SqliteWorkerData;
if (file.background === true) stayInBackground();
const begun = new Int32Array(commitsBegun);
const connections = new SqliteConnections(file, () => void Atomics.add(begun, 0, 1));
if (takesLock) connections.lock();

port.on('message', (requests: readonly SqliteRequest[]) => {
  const replies = requests.map((request) => connections.answer(request)).filter((reply) => reply !== null);
  sendReplies(replyWay, replies);
  if (requests.some(({ op }) => op === 'close')) port.close();
});
