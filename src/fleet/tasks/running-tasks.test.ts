import { describe, expect, it } from 'vitest';
import { VirtualClock } from '#telemetry';
import { RunningTasks } from './running-tasks.ts';

const claim = (taskId: string, more: { type?: string } = {}) => ({
  task_id: taskId,
  phase_id: 'PHASE_TESTING',
  task_type: more.type ?? 'fetch',
  traceparent: null,
  claimed_at_ms: 0,
});

describe('the age of running tasks', () => {
  it('is that of the oldest claim of each kind, until it ends', async () => {
    const clock = new VirtualClock();
    const running = new RunningTasks(clock);
    running.begin(claim('first'), 0);
    await clock.advance(5000);
    running.begin(claim('second'), 0);
    running.begin(claim('other', { type: 'mail' }), 0);
    await clock.advance(2000);
    expect([...running.ages()]).toEqual([
      { phaseId: 'PHASE_TESTING', taskType: 'fetch', ageSeconds: 7 },
      { phaseId: 'PHASE_TESTING', taskType: 'mail', ageSeconds: 2 },
    ]);
    for (const taskId of ['first', 'other', 'other']) running.end(taskId);
    expect([...running.ages()]).toEqual([{ phaseId: 'PHASE_TESTING', taskType: 'fetch', ageSeconds: 2 }]);
  });

  it('begins anew with the next claim of a task', async () => {
    const clock = new VirtualClock();
    const running = new RunningTasks(clock);
    running.begin(claim('again'), 0);
    await clock.advance(9000);
    running.begin(claim('younger'), 0);
    await clock.advance(1000);
    running.begin(claim('again'), 0);
    await clock.advance(1000);
    expect([...running.ages()]).toMatchObject([{ ageSeconds: 2 }]);
  });

  it('counts what passed before the server started, and no step of the wall clock after it', async () => {
    const clock = new VirtualClock();
    const running = new RunningTasks(clock);
    running.begin(claim('kept'), 60_000);
    clock.stepWallClock(3_600_000);
    await clock.advance(1000);
    expect([...running.ages()]).toMatchObject([{ ageSeconds: 61 }]);
  });
});
