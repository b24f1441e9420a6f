import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LogFiles, maxAgentsAskedFor } from './log-files.ts';

let directory: string;
const LIMITS = {
  maxLogBytes: 30,
  keptCopies: 2,
  keptGenerations: 2,
  maxAgentBytes: 1000,
  maxBytes: 10_000,
  keptTailBytes: 0,
  reserveBytes: 0,
};
let dropped: number;
const onDropped = (bytes: number): void => void (dropped += bytes);

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'omoi-logs-'));
  dropped = 0;
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const files = (): Record<string, string> =>
  Object.fromEntries(
    readdirSync(join(directory, 'coders-1'))
      .sort()
      .map((file) => [file, readFileSync(join(directory, 'coders-1', file), 'utf8')]),
  );

describe('the log files of agents', () => {
  it('are asked for their sizes on a disk that hangs without standing all else still', async () => {
    const asked: string[] = [];
    const { promise: answer, resolve } = Promise.withResolvers<number | null>();
    const hanging = (path: string): Promise<number | null> => {
      asked.push(path);
      return answer;
    };
    const logs = new LogFiles(directory, LIMITS, onDropped, undefined, hanging);
    // Two files each: three stretches of 250.
    for (let agent = 0; agent < 300; agent++) logs.make(`coders-${agent}`, 1);
    let isDone = false;
    const look = logs.look('all').then(() => (isDone = true));
    await new Promise((turn) => setImmediate(turn));
    expect([asked.length, isDone]).toEqual([1, false]);
    resolve(0);
    await look;
    expect(asked).toHaveLength(3);
  });

  it('are open for appending: a writer goes on where it was truncated', async () => {
    const logs = new LogFiles(directory, LIMITS);
    const output = openSync(logs.make('coders-1', 1).stdout, 'a');
    writeSync(output, 'first, which is much too long, and has an end\n');
    await logs.tidy();
    writeSync(output, 'second\n');
    expect(files()).toEqual({
      '1.stderr.log': '',
      '1.stdout.log': 'second\n',
      '1.stdout.log.1': 'is much too long, and has an end\n'.slice(-30),
    });
    closeSync(output);
  });

  it('keep so many copies and no more, and leave alone what is small', async () => {
    const logs = new LogFiles(directory, LIMITS);
    logs.make('coders-1', 1);
    for (const text of ['1st '.repeat(8), '2nd '.repeat(8), '3rd '.repeat(8), 'small']) {
      appendFileSync(join(directory, 'coders-1', '1.stderr.log'), text);
      await logs.tidy();
    }
    expect(files()).toEqual({
      '1.stderr.log': 'small',
      '1.stderr.log.1': '3rd '.repeat(8).slice(-30),
      '1.stderr.log.2': '2nd '.repeat(8).slice(-30),
      '1.stdout.log': '',
    });
  });

  it('of old generations go', async () => {
    const logs = new LogFiles(directory, LIMITS);
    for (const generation of [1, 2, 9, 10]) logs.make('coders-1', generation);
    await logs.tidy();
    expect(Object.keys(files()).sort()).toEqual([
      '10.stderr.log',
      '10.stdout.log',
      '9.stderr.log',
      '9.stdout.log',
    ]);
  });

  it('have a quota, each agent and all of them: copies go first, then the oldest', async () => {
    const logs = new LogFiles(directory, { ...LIMITS, maxAgentBytes: 70, maxBytes: 80 }, onDropped);
    const bytes = () =>
      ['coders-1', 'coders-2'].map((agent) =>
        readdirSync(join(directory, agent)).reduce(
          (sum, file) => sum + statSync(join(directory, agent, file)).size,
          0,
        ),
      );
    for (const agent of ['coders-1', 'coders-2']) logs.make(agent, 1);
    const write = (agent: string, size: number) =>
      appendFileSync(join(directory, agent, '1.stdout.log'), 'x'.repeat(size));
    for (let round = 0; round < 4; round++) {
      write('coders-1', 40);
      await logs.look('all');
    }
    expect(bytes()).toEqual([60, 0]);
    expect(dropped).toBe(4 * 10);
    write('coders-1', 20);
    await logs.tidy();
    expect(bytes()).toEqual([50, 0]);
    write('coders-2', 30);
    await logs.tidy();
    expect(bytes()).toEqual([50, 30]);
    write('coders-2', 10);
    await logs.tidy();
    expect(bytes()).toEqual([50, 30]);
    write('coders-2', 10);
    await logs.tidy();
    expect(bytes()).toEqual([20, 40]);
  });

  it('have an end that goes on into the copies, of so many bytes', async () => {
    const logs = new LogFiles(directory, LIMITS);
    const { stdout } = logs.make('coders-1', 1);
    const tail = async (maxBytes: number) => (await logs.tail('coders-1', 1, maxBytes)).stdout;
    appendFileSync(stdout, 'first copy '.repeat(4));
    await logs.look('all');
    appendFileSync(stdout, `${'x'.repeat(40)}\nFATAL\n`);
    await logs.look('all');
    expect(await tail(10)).toBe('xxx\nFATAL\n');
    appendFileSync(stdout, 'exits\n');
    expect(await tail(10)).toBe('TAL\nexits\n');
    expect(await tail(45)).toBe(`rst copy ${'x'.repeat(23)}\nFATAL\nexits\n`);
  });

  it('have their end, too, while they are rotated', async () => {
    const logs = new LogFiles(directory, LIMITS);
    const { stdout } = logs.make('coders-1', 1);
    for (let round = 100; round < 150; round++) {
      appendFileSync(stdout, `${'x'.repeat(40)}\nFATAL ${round}\n`);
      const rotation = logs.look('all');
      for (let turn = round % 10; turn > 0; turn--) await new Promise((next) => setImmediate(next));
      expect(await logs.tail('coders-1', 1, 10)).toEqual({ stdout: `FATAL ${round}\n`, stderr: '' });
      expect((await logs.read({ agentId: 'coders-1', generation: 1 }, null, 20))?.stdout.text).toBe(
        `FATAL ${round}\n`,
      );
      await rotation;
    }
  });

  it('lose nothing of what is written while they are rotated', async () => {
    const logs = new LogFiles(directory, { ...LIMITS, maxLogBytes: 1_000_000, maxAgentBytes: 10_000_000 });
    const { stdout } = logs.make('coders-1', 1);
    let written = 'x'.repeat(1_000_001);
    appendFileSync(stdout, written);
    const rotation = { isOver: false };
    const look = logs.look('all').finally(() => (rotation.isOver = true));
    for (let line = 0; !rotation.isOver; line++) {
      appendFileSync(stdout, `line ${line}\n`);
      written += `line ${line}\n`;
      await new Promise((next) => setImmediate(next));
    }
    await look;
    const { '1.stdout.log.1': copy, '1.stdout.log': growing } = files();
    expect(copy).toHaveLength(1_000_000);
    expect(written.endsWith(`${copy}${growing}`)).toBe(true);
  });

  it.each([
    ['their agent', { maxAgentBytes: 70 }],
    ['all of them', { maxBytes: 70 }],
  ])('keep their last bytes when they grow beyond the quota of %s while it is kept', async (_, quota) => {
    let burst = '';
    const logs = new LogFiles(directory, { ...LIMITS, ...quota, keptTailBytes: 10 }, (bytes) => {
      onDropped(bytes);
      appendFileSync(stdout, burst);
      burst = '';
    });
    const { stdout } = logs.make('coders-1', 1);
    for (const text of ['1st '.repeat(8), '2nd '.repeat(8), '3rd '.repeat(8)]) {
      appendFileSync(stdout, text);
      burst = text.startsWith('3rd') ? `${'y'.repeat(200)}\nFATAL: no\n` : '';
      await logs.tidy();
    }
    expect(files()).toEqual({ '1.stderr.log': '', '1.stdout.log': '', '1.stdout.log.1': 'FATAL: no\n' });
    // The oldest copy has gone by rotation, which is not counted.
    expect(dropped).toBe(3 * 32 - 30 + 211 - 10);
    expect((await logs.tail('coders-1', 1, 100)).stdout).toBe('FATAL: no\n');
    // What comes behind the last bytes may push them out, and is kept instead.
    appendFileSync(stdout, '4th '.repeat(30));
    await logs.tidy();
    expect((await logs.tail('coders-1', 1, 8)).stdout).toBe('4th 4th ');
  });

  const mayMount = process.getuid?.() === 0;

  it.runIf(mayMount)(
    'are rotated on a disk that is full, which has room again (mounts a tmpfs: needs root)',
    async () => {
      const disk = join(directory, 'disk');
      mkdirSync(disk);
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'none', disk]);
      try {
        const limits = { ...LIMITS, maxLogBytes: 262_144, maxAgentBytes: 1_048_576, maxBytes: 1_048_576 };
        const logs = new LogFiles(disk, limits, onDropped);
        const output = openSync(logs.make('coders-1', 1).stdout, 'a');
        const fill = () => {
          for (;;) writeSync(output, 'y'.repeat(65_536));
        };
        expect(fill).toThrow('ENOSPC');
        await logs.look('all');
        expect(statSync(join(disk, 'coders-1/1.stdout.log')).size).toBe(0);
        expect(statSync(join(disk, 'coders-1/1.stdout.log.1')).size).toBe(262_144);
        expect(dropped).toBeGreaterThan(1_000_000);
        // The state's writes go on, and so does the writer.
        writeFileSync(join(disk, 'state'), 'z'.repeat(1_000_000));
        expect(fill).toThrow('ENOSPC');
        await logs.look('hot');
        expect(readdirSync(join(disk, 'coders-1')).sort()).toEqual([
          '1.stderr.log',
          '1.stdout.log',
          '1.stdout.log.1',
          '1.stdout.log.2',
        ]);
        writeSync(output, 'on it goes');
        expect(readFileSync(join(disk, 'coders-1/1.stdout.log'), 'utf8')).toBe('on it goes');
        closeSync(output);
      } finally {
        execFileSync('umount', ['-l', disk]);
      }
    },
  );

  it.runIf(mayMount)(
    'keep their last bytes where a full disk has no room for a copy (mounts a tmpfs: needs root)',
    async () => {
      const disk = join(directory, 'disk');
      mkdirSync(disk);
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'none', disk]);
      try {
        const fill = (): void => {
          const file = openSync(join(disk, 'fill'), 'a');
          for (let room = 2_097_152 - 65_536; room > 0; room -= 65_536) writeSync(file, 'z'.repeat(65_536));
          closeSync(file);
        };
        const limits = { ...LIMITS, maxLogBytes: 262_144, keptTailBytes: 4096, maxAgentBytes: 1_048_576 };
        let isFilled = false;
        const logs = new LogFiles(disk, { ...limits, maxBytes: 1_048_576 }, (bytes) => {
          onDropped(bytes);
          if (!isFilled) fill();
          isFilled = true;
        });
        const { stdout } = logs.make('coders-1', 1);
        appendFileSync(stdout, `${'y'.repeat(300_000)}FATAL\n`);
        await logs.look('all');
        expect(statSync(join(disk, 'coders-1/1.stdout.log.1')).size).toBe(4096);
        expect((await logs.tail('coders-1', 1, 6)).stdout).toBe('FATAL\n');
        expect(dropped).toBe(300_006 - 4096);
      } finally {
        execFileSync('umount', ['-l', disk]);
      }
    },
  );

  it('are nobody else’s to read, and their directory need not be there', async () => {
    const logs = new LogFiles(join(directory, 'not', 'yet'), LIMITS);
    await logs.tidy();
    logs.make('coders-1', 1);
    expect(statSync(join(directory, 'not/yet/coders-1/1.stdout.log')).mode & 0o077).toBe(0);
  });

  it('go with their directory when their agent is gone, a limited number of them asked for at a time', async () => {
    const asked: string[][] = [];
    const gone = new Set(['coders-0', 'coders-501']);
    const logs = new LogFiles(directory, LIMITS, onDropped, undefined, undefined, (kept) => {
      asked.push(kept.map(({ agentId }) => agentId));
      return Promise.resolve(kept.flatMap(({ agentId }) => (gone.has(agentId) ? [agentId] : [])));
    });
    for (let agent = 0; agent <= maxAgentsAskedFor + 1; agent++) logs.make(`coders-${agent}`, 1);
    for (let time = 0; time < 2; time++) await logs.tidy();
    expect(asked.map((ids) => ids.length)).toEqual([maxAgentsAskedFor, 2]);
    expect(new Set(asked.flat()).size).toBe(maxAgentsAskedFor + 2);
    expect(existsSync(join(directory, 'coders-0'))).toBe(false);
    expect(existsSync(join(directory, 'coders-501'))).toBe(false);
    expect(existsSync(join(directory, 'coders-1'))).toBe(true);
  });
});
