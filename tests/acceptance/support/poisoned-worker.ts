// A worker whose process does not survive a task that says so, and is a moment over each other one.
import { setTimeout as delay } from 'node:timers/promises';
import { createAgent } from '@omoi/agent';

createAgent({ onError: (error) => process.stderr.write(`${error.message}\n`) }).work(async ({ payload }) => {
  const { poison, work_ms: workMs = 0 } = payload as { readonly poison?: boolean; readonly work_ms?: number };
  if (poison === true) process.kill(process.pid, 'SIGKILL');
  await delay(workMs);
  return {};
});
