import { expect, it } from 'vitest';
import { VirtualClock } from '#telemetry';
import { GuardWaits } from './guard-waits.ts';
import type { OpenRemediation } from './open-remediations.ts';
import type { Remediation } from './remediation.ts';
import { useDemoStage } from '../demo-stage.test-support.ts';
import { becomes, heldBy, RESTART, silent } from '../watchdog.test-support.ts';

const stage = useDemoStage();

it('who is held until a time waits for it, though this clock has passed it before the transaction’s', async () => {
  await stage.openEmpty([RESTART]);
  // A transaction's time has whole milliseconds; this clock is half of one ahead of it, and of a database elsewhere more.
  await stage.clock.advance(10_000.75);
  stage.fleet.addAgent('w-1', { heartbeatTtlMs: 3000, workAfterBeatMs: 2999.5 });
  await stage.alerts.raise('a1', silent('w-1'));
  await heldBy(stage, 'a1', 'work_in_flight');
  for (let turn = 0; turn < 200; turn++) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
  expect(stage.alerts.reads).toBeLessThan(5);
  await stage.clock.advance(2);
  await becomes(stage, 'a1', 'verifying');
});

it('looks at a few in each turn of the event loop of the thousands that a storm has held back', async () => {
  const count = 2000;
  const opens = new Map<string, OpenRemediation>();
  const turns = [0];
  const woken = new Set<string>();
  const waits = new GuardWaits({
    clock: new VirtualClock(),
    random: { next: () => 0.5 },
    decisions: {
      hasLifted: () => false,
      stillHeldBy() {
        turns.push((turns.pop() ?? 0) + 1);
        return null;
      },
    },
    find: (id) => opens.get(id) ?? null,
    wake: ({ id }) => void woken.add(id),
  });
  const heldBy = { suppressed: 'storm', reason: 'it does', untilMs: null, recordedAtMs: 0 } as const;
  for (let number = 0; number < count; number++) {
    // Of a remediation this is all that a line goes by.
    const row = { id: `rem_${number}`, policy: 'p', state: 'planned', pool_id: null } as Remediation;
    const open = { id: row.id, row, subject: row, heldBy, timer: null } as unknown as OpenRemediation;
    opens.set(row.id, open);
    waits.wait(open, { kind: 'wait', remediation: row, waitMs: null, heldBy });
  }
  const ended = new Promise<void>((resolve) => {
    const turn = (): void => {
      turns.push(0);
      if (woken.size === count) resolve();
      else setImmediate(turn);
    };
    setImmediate(turn);
  });
  waits.callAll('storm');
  await ended;
  expect(turns.reduce((sum, looks) => sum + looks, 0)).toBe(count);
  expect(Math.max(...turns)).toBeLessThanOrEqual(250);
  waits.stop();
});
