// A worker as small as they get: it beats, and does the tasks that it is given. By a task `endless`, or SIGUSR2, it computes for
// ever: nothing else has a turn then, its heartbeats neither.
import { setTimeout as delay } from 'node:timers/promises';
import { createAgent } from '@omoi/agent';

const TASK_MS = 50;

function computeForEver(): never {
  for (;;) performance.now();
}

process.on('SIGUSR2', computeForEver);

createAgent().work(({ task_type: type }) => (type === 'endless' ? computeForEver() : delay(TASK_MS, {})));
