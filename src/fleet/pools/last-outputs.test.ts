import { beforeEach, describe, expect, it } from 'vitest';
import { nextTurn, VirtualClock } from '#telemetry';
import type { UnitRef } from '../runtimes/runtime.ts';
import { LastOutputs, maxOutputWaitMs, maxReadAtOnce } from './last-outputs.ts';

/** A disk on which each read is answered when the test says so. */
class ScriptedDisk {
  readonly reads: { readonly agentId: string; answer(text: string): void; fail(): void }[] = [];
  open = 0;
  mostAtOnce = 0;

  logs({ agentId }: UnitRef): Promise<{ readonly stdout: string; readonly stderr: string }> {
    this.mostAtOnce = Math.max(this.mostAtOnce, ++this.open);
    return new Promise((resolve, reject) => {
      this.reads.push({
        agentId,
        answer: (stdout) => {
          this.open--;
          resolve({ stdout, stderr: '' });
        },
        fail: () => {
          this.open--;
          reject(new Error('EIO'));
        },
      });
    });
  }
}

const unit = (at: number): UnitRef => ({ agentId: `a-${at}`, generation: 1 });

describe('what ended units put out last', () => {
  let clock: VirtualClock;
  let disk: ScriptedDisk;
  let outputs: LastOutputs;
  beforeEach(() => {
    clock = new VirtualClock();
    disk = new ScriptedDisk();
    outputs = new LastOutputs({ clock, runtimes: [disk] });
  });

  it('is read of 16 units at once where thousands end together, in the order of their ends', async () => {
    const asked = Array.from({ length: 4000 }, (_, at) => outputs.of(unit(at)));
    expect([disk.reads.length, outputs.waiting]).toEqual([maxReadAtOnce, 4000 - maxReadAtOnce]);
    for (let at = 0; at < 4000; at++) {
      disk.reads[at]?.answer(`end of ${at}`);
      await nextTurn();
    }
    expect(disk.reads.map(({ agentId }) => agentId)).toEqual(asked.map((_, at) => `a-${at}`));
    expect(await Promise.all(asked)).toEqual(asked.map((_, at) => `end of ${at}`));
    expect([disk.mostAtOnce, outputs.waiting]).toEqual([maxReadAtOnce, 0]);
  });

  it('is waited for 5 s, also by those who wait for their turn, and nothing of them is left', async () => {
    const asked = Array.from({ length: maxReadAtOnce + 5 }, (_, at) => outputs.of(unit(at)));
    let settled = 0;
    for (const one of asked) void one.then(() => settled++);
    await clock.advance(maxOutputWaitMs - 1);
    expect([settled, outputs.waiting]).toEqual([0, 5]);
    await clock.advance(1);
    expect(await Promise.all(asked)).toEqual(asked.map(() => null));
    expect(outputs.waiting).toBe(0);
    // A disk that answers again is asked again.
    for (const read of disk.reads) read.answer('late');
    await nextTurn();
    const next = outputs.of(unit(99));
    disk.reads.at(-1)?.answer('in time');
    expect(await next).toBe('in time');
    expect(disk.mostAtOnce).toBe(maxReadAtOnce);
  });

  it('is nothing where it can’t be read, which takes nobody else’s turn', async () => {
    const asked = Array.from({ length: maxReadAtOnce + 1 }, (_, at) => outputs.of(unit(at)));
    for (let at = 0; at < maxReadAtOnce; at++) disk.reads[at]?.fail();
    await nextTurn();
    disk.reads.at(-1)?.answer('well');
    expect(await Promise.all(asked)).toEqual([...asked.slice(1).map(() => null), 'well']);
  });

  it('is waited for by nobody once the server stops', async () => {
    const asked = Array.from({ length: maxReadAtOnce + 1 }, (_, at) => outputs.of(unit(at)));
    outputs.close();
    expect(await Promise.all(asked)).toEqual(asked.map(() => null));
    expect(outputs.waiting).toBe(0);
  });
});
