// A worker of the demo: each task fetches a file from the source, hashes it, compresses it and writes it down.
// Most of its time it waits, so more workers really do more.
import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { flushCompileCache } from 'node:module';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { createAgent, type ClaimedTask, type TaskContext } from '@omoi/agent';
import { fileNameFor } from './files.ts';

/** Not imported by name: that would load the client behind `fetch` too, 5 MB a process. */
const { get } = process.getBuiltinModule('node:http');

const socketPath = process.env['OMOI_DEMO_SOURCE'] ?? 'source.sock';
const outputDirectory = process.env['OMOI_DEMO_OUTPUT'] ?? 'output';
const compress = promisify(gzip);

function fetchFile(name: string, signal: AbortSignal): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const request = get({ socketPath, path: `/files/${name}`, signal }, (response) => {
      if (response.statusCode === 200) buffer(response).then(resolve, reject);
      else reject(new Error(`${name}: the source answered ${response.statusCode ?? 'nothing'}`));
    });
    request.on('error', reject);
  });
}

/** A reader never sees half a file. */
async function writeWhole(path: string, content: Buffer): Promise<void> {
  const unfinished = `${path}.${process.pid}`;
  await writeFile(unfinished, content);
  await rename(unfinished, path);
}

/** What ends every worker that has it: a file that no parser survives, say. For game days. */
function endsItsWorker({ payload }: ClaimedTask): boolean {
  return typeof payload === 'object' && payload !== null && 'poison' in payload && payload.poison === true;
}

function fileOf(task: ClaimedTask): string {
  const { payload } = task;
  const named = typeof payload === 'object' && payload !== null && 'file' in payload ? payload.file : null;
  return typeof named === 'string' ? fileNameFor(named) : fileNameFor(task.task_id);
}

async function work(task: ClaimedTask, { signal }: TaskContext): Promise<object> {
  if (endsItsWorker(task)) {
    process.stderr.write(`task ${task.task_id} is poison\n`);
    process.kill(process.pid, 'SIGKILL');
  }
  const name = fileOf(task);
  const content = await fetchFile(name, signal);
  const sha256 = createHash('sha256').update(content).digest('hex');
  const compressed = await compress(content);
  await writeWhole(join(outputDirectory, `${name}.gz`), compressed);
  fetched.add(content.length);
  return { file: name, sha256, bytes: content.length, compressed_bytes: compressed.length };
}

mkdirSync(outputDirectory, { recursive: true });
const agent = createAgent({ onError: (error) => process.stderr.write(`${error.message}\n`) });
const fetched = agent.counter('demo_fetched_bytes_total', { help: 'Bytes fetched from the source.' });
agent.work(work, {
  // Not whatever comes: a task of another type is for somebody else's worker.
  taskTypes: ['fetch'],
  onRefused: ({ task, operation, message }) =>
    void process.stderr.write(`${operation} of ${task.task_id} was refused: ${message}\n`),
});
// What was compiled is kept now: a process that is killed would keep nothing, and the next one be larger.
flushCompileCache();
