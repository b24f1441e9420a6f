// Loaded into every thread of a server. The thread that writes the state ends within the commit of a transaction that
// writes `dies-before` (then before it is on disk) or `dies-after` (then before anybody is told); where it writes
// `dies-in-statement`, there.
import { DatabaseSync, StatementSync } from 'node:sqlite';
import { isMainThread, workerData } from 'node:worker_threads';

const WORD = /dies-(?:before|after|in-statement)/;
let word: string | null = null;

function look(parameters: readonly unknown[]): void {
  for (const text of parameters) {
    if (typeof text === 'string') word ??= WORD.exec(text)?.[0] ?? null;
  }
  if (word === 'dies-in-statement') process.exit(7);
}

/** Puts `first` before a method of all objects of a class; it calls that, or does not. */
function putBefore(
  prototype: object,
  name: string,
  first: (call: () => unknown, parameters: readonly unknown[]) => unknown,
): void {
  const method: unknown = Reflect.get(prototype, name);
  if (typeof method !== 'function') throw new Error(`there is no method ${name}`);
  Reflect.set(prototype, name, function (this: unknown, ...parameters: unknown[]): unknown {
    return first(() => Reflect.apply(method, this, parameters), parameters);
  });
}

const data: unknown = workerData;
const isState =
  typeof data === 'object' && data !== null && 'path' in data && String(data.path).endsWith('state.sqlite');

if (!isMainThread && isState) {
  putBefore(DatabaseSync.prototype, 'exec', (call, [sql]) => {
    const ends = sql === 'COMMIT' && word !== null;
    if (!ends || word === 'dies-after') call();
    if (ends) process.exit(7);
  });
  for (const name of ['run', 'all']) {
    putBefore(StatementSync.prototype, name, (call, parameters) => {
      look(parameters);
      return call();
    });
  }
}
