// Runs in a worker thread and alone touches node:sqlite. Imports relatively: a thread knows no import map.
import { parentPort, workerData } from 'node:worker_threads';
import { FileLock, LockRefused } from './file-lock.ts';
import { StatementCache } from './statement-cache.ts';
import type { SqliteFailure, SqliteFile, SqliteReply, SqliteRequest, SqliteRows } from './worker-protocol.ts';
import { openConnection, WriteSession } from './write-session.ts';

const port = parentPort;
if (!port) throw new Error('sqlite-worker runs in a worker thread');
// The thread that started this one is of the same build: it sends what the protocol says.
const file = workerData as SqliteFile;

const NOTHING: SqliteRows = { rows: [], changes: null, lastInsertRowid: null };

let writer: WriteSession | null = null;
let reader: { readonly statements: StatementCache; close(): void } | null = null;
let lock: FileLock | null = null;

function openReader(): { readonly statements: StatementCache; close(): void } {
  const database = openConnection(file, 'read');
  return { statements: new StatementCache(database), close: () => database.close() };
}

function perform(request: SqliteRequest): SqliteRows {
  switch (request.op) {
    case 'read':
      return (reader ??= openReader()).statements.run(request.sql, request.parameters);
    case 'write':
      return (writer ??= new WriteSession(file)).write(request.sql, request.parameters);
    case 'begin':
    case 'savepoint':
    case 'release':
    case 'undo':
    case 'commit':
      (writer ??= new WriteSession(file))[request.op]();
      return NOTHING;
    case 'lock':
      lock ??= new FileLock(`${file.path}.lock`, process.pid);
      return NOTHING;
    case 'unlock':
      lock?.release();
      lock = null;
      return NOTHING;
    case 'close':
      reader?.close();
      writer?.close();
      lock?.release();
      return NOTHING;
  }
}

function failureOf(error: unknown): SqliteFailure {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof LockRefused) {
    return { message, resultCode: null, ...(error.heldByPid !== null && { heldByPid: error.heldByPid }) };
  }
  const resultCode =
    error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode : null;
  return { message, resultCode };
}

function answer(request: SqliteRequest): SqliteReply | null {
  const id = 'id' in request ? request.id : null;
  try {
    const result = perform(request);
    return id === null ? null : { id, ok: true, result };
  } catch (error) {
    return id === null ? null : { id, ok: false, failure: failureOf(error) };
  }
}

port.on('message', (request: SqliteRequest) => {
  const reply = answer(request);
  if (reply) port.postMessage(reply);
  if (request.op === 'close') port.close();
});
