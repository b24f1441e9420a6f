// Starts programs on order and tells what they write and how they end. The process stays small, so that its forks are cheap.
import { spawn } from 'node:child_process';

const END_LIMIT_MS = 10_000;
const children = new Map();

// Ctrl-C reaches the whole group; whoever ordered the programs decides when they end.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => {});

process.on('message', (order) => {
  if (order.kind === 'start') start(order);
  else children.get(order.id)?.kill(order.signal);
});

// Whoever ordered them is gone: nothing stays behind.
process.on('disconnect', () => {
  for (const child of children.values()) {
    child.kill('SIGTERM');
    setTimeout(() => child.kill('SIGKILL'), END_LIMIT_MS).unref();
  }
});

function start({ id, program, args, cwd, env }) {
  const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  children.set(id, child);
  if (child.pid !== undefined) tell({ id, kind: 'started', pid: child.pid });
  for (const name of ['stdout', 'stderr']) {
    child[name].setEncoding('utf8').on('data', (text) => tell({ id, kind: name, text }));
  }
  child.once('error', ({ message }) => tell({ id, kind: 'failed', message }));
  child.once('exit', (exitCode, signalCode) => tell({ id, kind: 'exit', exitCode, signalCode }));
  child.once('close', () => {
    children.delete(id);
    tell({ id, kind: 'close' });
  });
}

function tell(report) {
  if (process.connected) process.send(report);
}
