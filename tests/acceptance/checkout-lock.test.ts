import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StartedProcess } from './support/started-process.ts';
import { until } from './support/until.ts';

const SCRIPTS = fileURLToPath(new URL('../../scripts/', import.meta.url));

let directory: string;
let file: string;
let started: StartedProcess[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'omoi-lock-'));
  file = join(directory, 'dist/.lock');
  started = [];
});
afterEach(async () => {
  for (const one of started) if (one.isRunning) one.kill('SIGKILL');
  await Promise.all(started.map(({ closed }) => closed));
  rmSync(directory, { recursive: true });
});

/** A program of Node's in the directory. */
function run(script: string): StartedProcess {
  const inPlace = `process.chdir(${JSON.stringify(directory)});${script}`;
  const child = new StartedProcess(process.execPath, ['--input-type=module', '-e', inPlace], {
    PATH: process.env['PATH'],
  });
  started.push(child);
  return child;
}

/** A process that writes `NAME begins` under the lock, and `NAME ends` once a file of its name is there. */
function holder(name: string, { options = '', before = '' } = {}): StartedProcess {
  const script = `${before}
    import { appendFileSync, existsSync } from 'node:fs';
    import { setTimeout as delay } from 'node:timers/promises';
    import { withLock } from ${JSON.stringify(join(SCRIPTS, 'checkout-lock.mjs'))};
    const note = (what) => appendFileSync('told', '${name} ' + what + '\\n');
    await withLock({ file: 'dist/.lock', ${options} }, async () => {
      note('begins');
      while (!existsSync('${name}')) await delay(10);
      note('ends');
    });`;
  return run(script);
}

const told = (): readonly string[] =>
  existsSync(join(directory, 'told')) ? readFileSync(join(directory, 'told'), 'utf8').split('\n') : [];
const tells = (line: string) => until(() => told().includes(line), `it is told: ${line}`);
const letEnd = (name: string): void => writeFileSync(join(directory, name), '');

it('one after the other works under the lock, and who waits says for whom', async () => {
  const first = holder('first');
  await tells('first begins');
  const others = ['second', 'third', 'fourth'].map((name) => holder(name));
  for (const one of others) {
    await until(
      () => one.stderr.includes(`process ${first.pid} installs or builds in this checkout; waiting`),
      'it says that it waits',
    );
  }
  for (const name of ['first', 'second', 'third', 'fourth']) letEnd(name);
  await Promise.all(started.map(({ closed }) => closed));
  expect(started.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0, 0]);
  const lines = told().filter((line) => line !== '');
  expect(lines).toHaveLength(8);
  for (let at = 0; at < lines.length; at += 2) {
    expect(lines[at + 1]).toBe(lines[at]?.replace('begins', 'ends'));
  }
  expect(readdirSync(join(directory, 'dist'))).toEqual([]);
});

it('the lock of a process that was killed is broken by one of those who wait', async () => {
  const first = holder('first');
  await tells('first begins');
  const others = ['second', 'third'].map((name) => holder(name));
  for (const one of others) await until(() => one.stderr.includes('waiting'), 'it waits');
  first.kill('SIGKILL');
  letEnd('second');
  letEnd('third');
  await Promise.all(others.map(({ closed }) => closed));
  const [, , second] = told();
  expect(told().slice(1, 5).toSorted()).toEqual([
    'second begins',
    'second ends',
    'third begins',
    'third ends',
  ]);
  expect(second).toMatch(/ends$/);
});

it.each([
  [
    'another process has the pid by now',
    () => JSON.stringify({ pid: process.pid, started: 'an earlier boot/1' }),
  ],
  ['no process has the pid', () => JSON.stringify({ pid: 2 ** 22 + 1, started: 'x/1' })],
  ['it says nothing', () => '{'],
])('a lock is broken where %s', async (_why, written) => {
  mkdirSync(join(directory, 'dist'));
  writeFileSync(file, written());
  letEnd('first');
  const first = holder('first');
  await first.closed;
  expect([first.exitCode, first.stderr]).toEqual([0, '']);
  expect(readdirSync(join(directory, 'dist'))).toEqual([]);
});

describe('a holder of another container', () => {
  // Its pid is that of a process here, which is not the holder.
  const foreign = JSON.stringify({ pid: process.pid, started: 'x/1', space: 'another boot/pid:[1]' });

  it('has the lock for as long as it touches it', async () => {
    mkdirSync(join(directory, 'dist'));
    writeFileSync(file, foreign);
    const beating = setInterval(() => utimesSync(file, new Date(), new Date()), 50);
    try {
      letEnd('first');
      const first = holder('first', { options: 'maxSilenceMs: 3000' });
      await until(
        () =>
          first.stderr.includes(`process ${process.pid} of another container or machine installs or builds`),
        'it waits',
      );
      expect(readFileSync(file, 'utf8')).toBe(foreign);
      clearInterval(beating);
      await first.closed;
      expect([first.exitCode, told()]).toEqual([0, ['first begins', 'first ends', '']]);
      expect(readdirSync(join(directory, 'dist'))).toEqual([]);
    } finally {
      clearInterval(beating);
    }
  });

  it('sees that the holder here is there', async () => {
    const first = holder('first');
    await tells('first begins');
    const before = statSync(file).mtimeMs;
    await until(() => statSync(file).mtimeMs > before, 'it is touched');
    letEnd('first');
    await first.closed;
    expect(readdirSync(join(directory, 'dist'))).toEqual([]);
  });
});

it('who has waited too long says who has the lock, and where it is', async () => {
  const first = holder('first');
  await tells('first begins');
  const second = holder('second', { options: 'maxWaitMs: 300' });
  await second.closed;
  expect(second.exitCode).toBe(1);
  expect(second.stderr).toContain(`process ${first.pid} has been installing or building in this checkout`);
  expect(second.stderr).toContain('remove dist/.lock');
});

it('without a place for a lock the work is done all the same', async () => {
  writeFileSync(join(directory, 'dist'), '');
  letEnd('first');
  const first = holder('first');
  await first.closed;
  expect(told()).toEqual(['first begins', 'first ends', '']);
});

it('where files can’t be linked the work is done all the same', async () => {
  letEnd('first');
  const first = holder('first', {
    before: `
      import fs from 'node:fs';
      import { syncBuiltinESMExports } from 'node:module';
      fs.linkSync = () => { throw Object.assign(new Error('EPERM: operation not permitted, link'), { code: 'EPERM' }); };
      syncBuiltinESMExports();`,
  });
  await first.closed;
  expect([first.exitCode, first.stderr]).toEqual([0, '']);
  expect(told()).toEqual(['first begins', 'first ends', '']);
  expect(readdirSync(join(directory, 'dist'))).toEqual([]);
});

it('who waits gets its turn where somebody removes the directory of the lock', async () => {
  const first = holder('first');
  await tells('first begins');
  const second = holder('second');
  await until(() => second.stderr.includes('waiting'), 'it waits');
  rmSync(join(directory, 'dist'), { recursive: true });
  letEnd('second');
  await second.closed;
  expect([second.exitCode, told()]).toEqual([0, ['first begins', 'second begins', 'second ends', '']]);
  letEnd('first');
  await first.closed;
  expect(first.exitCode).toBe(0);
});

it('a start that is told to end takes what it runs with it', async () => {
  const script = `
    import { runTold } from ${JSON.stringify(join(SCRIPTS, 'told-run.mjs'))};
    const args = ['-e', 'require("node:fs").writeFileSync("pid", String(process.pid)); setInterval(() => {}, 1000)'];
    await runTold({ command: process.execPath, args, cwd: '.', what: 'installing' });`;
  const child = run(script);
  const pid = await until(
    () => existsSync(join(directory, 'pid')) && Number(readFileSync(join(directory, 'pid'), 'utf8')),
    'it runs',
  );
  child.kill('SIGTERM');
  await child.closed;
  expect(child.signalCode).toBe('SIGTERM');
  expect(() => process.kill(pid, 0)).toThrow('ESRCH');
});
