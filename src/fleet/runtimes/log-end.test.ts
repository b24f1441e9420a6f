import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cutToEnd, maxLastReadBytes, tailOf, takeEnd, type TakenEnd } from './log-end.ts';

let directory: string;
let path: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'omoi-end-'));
  path = join(directory, '1.stdout.log');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** Takes the end of the file while something is written in each turn of the event loop. */
async function takeWhile(maxBytes: number, write: () => void): Promise<TakenEnd> {
  const file = { isTaken: false };
  const taking = takeEnd(path, maxBytes, () => (file.isTaken = true));
  // One that fails must not be waited for.
  taking.catch(() => (file.isTaken = true));
  while (!file.isTaken) {
    write();
    await new Promise((next) => setImmediate(next));
  }
  return taking;
}

describe('the end of a file that is taken', () => {
  it('goes on where it is left, whatever is written meanwhile', async () => {
    let written = '';
    const write = (text: string): void => {
      appendFileSync(path, text);
      written += text;
    };
    write('x'.repeat(500_000));
    let lines = 0;
    const { bytes, lostBytes } = await takeWhile(100_000, () => write(`line ${lines++}\n`));
    expect(lines).toBeGreaterThan(0);
    expect(written.endsWith(bytes.toString() + readFileSync(path, 'utf8'))).toBe(true);
    expect(bytes).toHaveLength(100_000);
    expect(lostBytes).toBe(written.length - 100_000 - statSync(path).size);
  });

  it.each([
    // Of a file that is emptied on the spot all is accounted for; of a larger one not what comes meanwhile.
    ['for a while', 10],
    ['without end', Number.POSITIVE_INFINITY],
  ])(
    'is without gaps, and taken in bounded time, where more is written %s than can be read',
    async (_, most) => {
      const numbers = new Uint32Array((2 * maxLastReadBytes) / 4);
      let at = 0;
      let pieces = 0;
      const write = (): void => {
        if (pieces++ > most) return;
        for (let slot = 0; slot < numbers.length; slot++) numbers[slot] = at++;
        appendFileSync(path, new Uint8Array(numbers.buffer));
      };
      write();
      const { bytes, lostBytes } = await takeWhile(3 * maxLastReadBytes, write);
      const behind = statSync(path).size;
      expect(bytes.length).toBeGreaterThanOrEqual(maxLastReadBytes);
      expect(bytes.length).toBeLessThanOrEqual(3 * maxLastReadBytes);
      const first = bytes.readUInt32LE(0);
      for (let slot = 0; slot < bytes.length / 4; slot++) {
        if (bytes.readUInt32LE(slot * 4) !== first + slot) expect.fail(`a gap at ${slot}`);
      }
      expect(lostBytes).toBe(first * 4);
      const counted = lostBytes + bytes.length + behind;
      expect(counted).toBeLessThanOrEqual(at * 4);
      if (Number.isFinite(most)) expect(counted).toBe(at * 4);
    },
  );

  it('is nothing of nothing', async () => {
    appendFileSync(path, '');
    const { bytes, lostBytes } = await takeEnd(path, 100, () => {});
    expect([bytes.length, lostBytes]).toEqual([0, 0]);
  });
});

it('the end of a copy is kept in its place', async () => {
  appendFileSync(path, `${'x'.repeat(1000)}FATAL\n`);
  await cutToEnd(path, 10);
  expect(readFileSync(path, 'utf8')).toBe('xxxxFATAL\n');
  await cutToEnd(path, 100);
  expect(readFileSync(path, 'utf8')).toBe('xxxxFATAL\n');
});

it('a tail is read of a limited number of copies, in their order', async () => {
  for (const [copy, text] of ['four', 'three', 'two', 'one'].entries())
    appendFileSync(copy === 0 ? path : `${path}.${copy}`, text);
  expect(await tailOf(path, 2, 100)).toBe('twothreefour');
  expect(await tailOf(path, 2, 6)).toBe('eefour');
  expect(await tailOf(join(directory, 'none'), 2, 6)).toBe('');
});
