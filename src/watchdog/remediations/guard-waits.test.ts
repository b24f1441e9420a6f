import { afterEach, expect, it } from 'vitest';
import { becomes, heldBy, openStage, RESTART, silent, type Stage } from '../watchdog.test-support.ts';

let stage: Stage;
afterEach(() => stage.close());

it('who is held until a time waits for it, though this clock has passed it before the transaction’s', async () => {
  stage = await openStage([RESTART]);
  // A transaction's time has whole milliseconds; this clock is half of one ahead of it, and of a database elsewhere more.
  await stage.clock.advance(10_000.75);
  const nowMs = stage.clock.wallMs();
  const heartbeatTtlMs = 3000;
  stage.fleet.addAgent('w-1', {
    heartbeatTtlMs,
    lastHeartbeatAtMs: nowMs - 5000,
    workSeenAtMs: nowMs - 0.25 - heartbeatTtlMs,
  });
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
