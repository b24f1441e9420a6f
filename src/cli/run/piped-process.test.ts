import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import type { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { startPiped } from './piped-process.ts';

async function run(command: readonly string[], env: NodeJS.ProcessEnv = process.env) {
  const child = startPiped(command, env);
  const read = { stdout: '', stderr: '' };
  const keep = (stream: Readable | null, name: 'stdout' | 'stderr') =>
    stream?.on('data', (chunk: Buffer) => {
      read[name] += chunk.toString();
    });
  keep(child.stdout, 'stdout');
  keep(child.stderr, 'stderr');
  const end = await child.exited.catch((error: NodeJS.ErrnoException) => ({ error: error.code }));
  await child.closed;
  return { ...read, ...end };
}

const shell = (script: string) => ['/bin/sh', '-c', script];

describe('a command without a terminal', () => {
  it('opens its outputs by their names', async () => {
    const script = 'echo out > /dev/stdout; echo wrong > /dev/stderr; echo more >> /proc/self/fd/1; exit 3';
    expect(await run(shell(script))).toEqual({
      stdout: 'out\nmore\n',
      stderr: 'wrong\n',
      exitCode: 3,
      signal: null,
    });
  });

  it('has all read that it writes, and waits while that is not taken', async () => {
    const { stdout } = await run(shell('head -c 5000000 /dev/zero; printf end'));
    expect(stdout).toHaveLength(5_000_003);
    expect(stdout.endsWith('end')).toBe(true);
  });

  it('is told by its signal that nobody reads any more', async () => {
    const child = startPiped(['yes'], process.env);
    child.stdout?.once('data', () => child.stdout?.destroy());
    expect(await child.exited).toEqual({ exitCode: null, signal: 'SIGPIPE' });
  });

  it('has its outputs open for as long as one writes that it has left behind', async () => {
    const { stdout } = await run(shell('(sleep 0.2; echo late) & echo first'));
    expect(stdout).toBe('first\nlate\n');
  });

  it('that is not there is refused, and leaves nothing behind', async () => {
    const before = pipesLeft();
    expect(await run(['/nowhere/at-all'])).toEqual({ stdout: '', stderr: '', error: 'ENOENT' });
    expect(pipesLeft()).toEqual(before);
  });

  it('runs all the same where no pipes can be made', async () => {
    const { PATH } = process.env;
    process.env['PATH'] = '/nowhere';
    try {
      expect(await run(shell('echo out; echo wrong >&2'))).toMatchObject({
        stdout: 'out\n',
        stderr: 'wrong\n',
        exitCode: 0,
      });
    } finally {
      process.env['PATH'] = PATH;
    }
  });
});

const pipesLeft = (): readonly string[] =>
  readdirSync(tmpdir()).filter((name) => name.startsWith('omoi-pipes-'));
