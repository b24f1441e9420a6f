import { expect, it } from 'vitest';
import { OmoiError } from '#telemetry';
import { MemoryMachine, MemoryRuntime } from '../fleet/runtimes/memory-runtime.test-support.ts';
import { actInCharge } from './act-in-charge.ts';

const SPEC = { agentId: 'a', generation: 1, command: ['run'], cwd: null, env: {}, nonce: 'n' };

it('starts and stops nothing while the server can’t say that it is in charge, and looks on', async () => {
  const machine = new MemoryMachine();
  const leadership: { doubt: OmoiError | null } = { doubt: null };
  const runtime = actInCharge(new MemoryRuntime(machine), leadership);
  const started = await runtime.start(SPEC);
  if (started.kind !== 'started') throw new Error(started.error);
  const { handle } = started.unit;

  leadership.doubt = new OmoiError('server_fenced', 'another is in charge');
  expect(await runtime.start({ ...SPEC, generation: 2 })).toEqual({
    kind: 'failed',
    error: 'another is in charge',
  });
  await expect(runtime.stop(handle, { how: 'force' })).rejects.toBe(leadership.doubt);
  expect(machine.running.map(({ generation }) => generation)).toEqual([1]);
  expect(await runtime.observe(handle)).toEqual({ kind: 'running' });

  leadership.doubt = null;
  expect(await runtime.stop(handle, { how: 'force' })).toBe(true);
});
