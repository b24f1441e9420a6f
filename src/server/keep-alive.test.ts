import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';

/** A process of its own that waits for a timer of the clock and then says so. */
function run(wait: string) {
  const script = `
    import { createSystemClock, delay } from '#telemetry';
    import { keepAliveDuring } from '${new URL('./keep-alive.ts', import.meta.url).href}';
    const wait = () => delay(createSystemClock(), 20, new AbortController().signal);
    await ${wait};
    console.log('went on');
  `;
  const flags = ['--conditions=omoi-source', '--disable-warning=ExperimentalWarning', '--input-type=module'];
  const cwd = new URL('../..', import.meta.url);
  const { status, stdout } = spawnSync(process.execPath, [...flags, '--eval', script], {
    cwd,
    encoding: 'utf8',
  });
  return { status, said: stdout.trim() };
}

it('sees work through that waits for nothing but a timer of the clock', () => {
  // What happens without it: the runtime ends the process, with the status of an await that never settled.
  expect(run('wait()')).toEqual({ status: 13, said: '' });
  expect(run('keepAliveDuring(wait)')).toEqual({ status: 0, said: 'went on' });
});

it('lets the process end once the work is done, also where it failed', () => {
  expect(run("keepAliveDuring(() => Promise.reject(new Error('no'))).catch(() => undefined)")).toEqual({
    status: 0,
    said: 'went on',
  });
});
