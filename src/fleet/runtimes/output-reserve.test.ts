import { execFileSync, spawnSync } from 'node:child_process';
import {
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LogFiles, logLimitsOf } from './log-files.ts';
import { OutputReserve } from './output-reserve.ts';

const KIB = 1024;
const RESERVE = 256 * KIB;
let directory: string;

beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), 'omoi-reserve-'))));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe('the reserve of output files', () => {
  it('is taken anew when half of it is used, or the file was emptied, and of many files at once', async () => {
    const calls: (readonly [string, number])[][] = [];
    const reserve = new OutputReserve(RESERVE, async (files) => {
      calls.push(files.map(({ path, size }) => [path, size]));
    });
    const [a, b] = [join(directory, 'a'), join(directory, 'b')];
    writeFileSync(a, '');
    writeFileSync(b, 'x'.repeat(10));
    const keep = (): Promise<void> =>
      reserve.keep([a, b].map((path) => ({ path, size: statSync(path).size })));
    await keep();
    await keep();
    writeFileSync(a, 'x'.repeat(RESERVE / 2 - 1));
    await keep();
    writeFileSync(a, 'x'.repeat(RESERVE / 2 + 1));
    await keep();
    reserve.emptied(b);
    await keep();
    expect(calls).toEqual([
      [
        [a, 0],
        [b, 10],
      ],
      [[a, RESERVE / 2 + 1]],
      [[b, 10]],
    ]);
  });

  it('is none where it is not wanted', async () => {
    const path = join(directory, 'a');
    writeFileSync(path, '');
    const reserve = new OutputReserve(0, () => Promise.reject(new Error('not asked')));
    await reserve.keep([{ path, size: 0 }]);
  });
});

const canMount =
  process.getuid?.() === 0 &&
  spawnSync('unshare', ['--mount', 'true']).status === 0 &&
  hasProgram('fallocate');

/** As a program writes that looks after no error of its output: `process.stderr.write` a thousand bytes at a time. */
const WRITER = `for (let at = 0; at < Number(process.argv[1]); at++) process.stderr.write('x'.repeat(999) + '\\n');`;

describe.skipIf(!canMount)('a full disk (needs root, to mount one)', () => {
  let mounted: string;
  beforeEach(() => {
    mounted = join(directory, 'disk');
    execFileSync('mkdir', [mounted]);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', mounted]);
  });
  afterEach(() => void execFileSync('umount', ['-l', mounted]));

  const limits = (reserveBytes: number) =>
    logLimitsOf({ maxAgentBytes: 64 * KIB * KIB, maxBytes: KIB * KIB * KIB, reserveBytes });

  /** Fills the disk behind the files of an agent, and lets a program write to them, with no server there. */
  async function writeOnFullDisk(reserveBytes: number, kilobytes: number): Promise<number | null> {
    const logs = new LogFiles(mounted, limits(reserveBytes));
    const { stdout, stderr } = logs.make('w', 1);
    await logs.look('all');
    const files = [openSync(stdout, 'a'), openSync(stderr, 'a')];
    fill(join(mounted, 'fill'));
    const { status } = spawnSync(process.execPath, ['-e', WRITER, String(kilobytes)], {
      stdio: ['ignore', ...files],
    });
    for (const file of files) closeSync(file);
    return status;
  }

  it('ends a program that writes without a reserve', async () => {
    expect(await writeOnFullDisk(0, 20)).not.toBe(0);
  });

  it('lets it go on within the reserve, and keeps what it wrote', async () => {
    expect(await writeOnFullDisk(RESERVE, 200)).toBe(0);
    expect(readFileSync(join(mounted, 'w/1.stderr.log'), 'utf8')).toHaveLength(200_000);
  });

  it('gives the room of a generation back that has ended', async () => {
    const logs = new LogFiles(mounted, limits(RESERVE));
    logs.make('w', 1);
    await logs.look('all');
    const blocks = () => statSync(join(mounted, 'w/1.stderr.log')).blocks;
    expect(blocks() * 512).toBeGreaterThanOrEqual(RESERVE);
    logs.make('w', 2);
    await logs.tidy();
    expect(blocks()).toBe(0);
  });
});

/** Takes all room that is left. */
function fill(path: string): void {
  const file = openSync(path, 'w');
  try {
    for (;;) writeSync(file, Buffer.alloc(4 * KIB));
  } catch {
    closeSync(file);
  }
}

function hasProgram(name: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${name}`]).status === 0;
}
