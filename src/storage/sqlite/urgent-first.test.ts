import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { silentLogger, VirtualClock } from '#telemetry';
import type { StateTransaction } from '../database.ts';
import { openStateDatabase } from '../open.ts';
import { UrgentFirst } from './urgent-first.ts';

/** Takes all out; each takes as many ms as its number says. */
function takeAll(lines: UrgentFirst<readonly [string, number]>): string {
  const order: string[] = [];
  for (let next = lines.next(); next; next = lines.next()) {
    order.push(next.item[0]);
    next.used(next.item[1]);
  }
  return order.join(' ');
}

describe('urgent first', () => {
  it('puts an urgent one before all that wait, and keeps the order within a line', () => {
    const lines = new UrgentFirst<readonly [string, number]>();
    for (const name of ['a', 'b']) lines.push([name, 1], false);
    lines.push(['U', 0], true);
    lines.push(['V', 0], true);
    expect(takeAll(lines)).toBe('U V a b');
    expect(lines.size).toBe(0);
  });

  it('gives the others every other turn by the time that each line has used', () => {
    const lines = new UrgentFirst<readonly [string, number]>();
    for (const name of ['U', 'V', 'W']) lines.push([name, 1], true);
    for (const name of ['a', 'b', 'c']) lines.push([name, 2], false);
    expect(takeAll(lines)).toBe('U a V W b c');
  });
});

describe('urgent ones that each take as long as a commit waits for more', () => {
  it('leave the others a turn between two commits, however many of them come', () => {
    const lines = new UrgentFirst<string>();
    for (const name of ['a', 'b']) lines.push(name, false);
    lines.push('U', true);
    const order: string[] = [];
    for (let commits = 0; commits < 6; commits++) {
      lines.restart();
      // The next one is asked for while this one is at work.
      lines.push('U', true);
      for (let spentMs = 0; spentMs < 4;) {
        const next = lines.next();
        const ms = next?.item === 'U' ? 10 : 1;
        order.push(next?.item ?? '');
        next?.used(ms);
        spentMs += ms;
      }
    }
    expect(order.join(' ')).toBe('U a U U b U U U');
  });
});

describe('an urgent transaction of a SQLite database', () => {
  it('goes before those that wait, and these are done all the same', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'omoi-urgent-'));
    const database = await openStateDatabase({
      directory,
      clock: new VirtualClock(),
      logger: silentLogger,
      role: 'server',
    });
    onTestFinished(async () => {
      await database.close();
      rmSync(directory, { recursive: true });
    });
    const order: string[] = [];
    const note =
      (name: string) =>
      async ({ db }: StateTransaction): Promise<void> => {
        await db.selectFrom('event_cursors').select('consumer').execute();
        order.push(name);
      };
    const waiting = Array.from({ length: 20 }, (_, at) => database.transaction(note(`bulk ${at}`)));
    waiting.push(database.transaction(note('urgent'), { urgent: true }));
    await Promise.all(waiting);
    // The first was at work already.
    expect(order.indexOf('urgent')).toBe(1);
    expect(order).toHaveLength(21);
  });
});
