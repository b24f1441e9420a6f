import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createSystemClock, silentLogger } from '#telemetry';
import { LogFiles } from './log-files.ts';
import { ProcessRuntime } from './process-runtime.ts';
import { createProcessTable } from './process-table.ts';

test.each([
  ['leaves nothing behind', 'exit 0', 0],
  ['leaves a process in its group', 'sleep 60 & exit 0', 1],
])('an agent that %s costs as many reads of all processes', async (_, script, reads) => {
  const directory = mkdtempSync(join(tmpdir(), 'omoi-exit-'));
  const table = createProcessTable();
  let scans = 0;
  const counted = {
    ...table,
    pids: () => {
      scans++;
      return table.pids();
    },
  };
  const clock = createSystemClock();
  const logs = new LogFiles(directory);
  const runtime = new ProcessRuntime({ clock, logger: silentLogger, table: counted, logs });
  const ended = new Promise((resolve) => runtime.onEnd(resolve));
  await runtime.start({
    agentId: 'brief',
    generation: 1,
    nonce: 'n',
    command: ['/bin/sh', '-c', script],
    cwd: null,
    env: {},
  });
  await ended;
  expect(scans).toBe(reads);
  runtime.close();
  rmSync(directory, { recursive: true, force: true });
});
