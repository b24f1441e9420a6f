import { describe, expect, it } from 'vitest';
import { VirtualClock } from '#telemetry';
import type { ClaimFilter } from './claim-filter.ts';
import type { ClaimRequest } from './claim-request.ts';
import { ClaimWaiters } from './claim-waiters.ts';
import type { TaskRow } from './task-row.ts';

const filter = (agentId: string, more: Partial<ClaimFilter> = {}): ClaimFilter => ({
  agentId,
  poolId: null,
  phaseIds: null,
  taskTypes: null,
  ownPoolOnly: false,
  ...more,
});
const request = (wanted: ClaimFilter, signal: AbortSignal | null = null): ClaimRequest => ({
  ...wanted,
  generation: 1,
  maxTasks: 1,
  leaseMs: 1000,
  waitMs: 1000,
  traceparent: null,
  signal,
});
const task = {
  task_id: 't',
  task_type: 'build',
  phase_id: 'A',
  pool_id: null,
  kept_for_agent_id: null,
  counted_losses: 0,
};

/** Waits in the name of each, in this order; tells who was woken. */
function waitAs(waiters: ClaimWaiters, ...filters: readonly ClaimFilter[]) {
  const woken: string[] = [];
  const ended = filters.map(async (wanted) => {
    const outcome = await waiters.enter(request(wanted), () => wanted).wait(1000);
    woken.push(`${wanted.agentId} ${typeof outcome === 'object' ? outcome.given.task_id : outcome}`);
  });
  return { woken, ended: Promise.all(ended) };
}
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('claims that wait', () => {
  it('wakes the one that fits and has waited longest, across filters', async () => {
    const waiters = new ClaimWaiters(new VirtualClock(), {
      maxWaiting: 10,
      maxWaitingPerAgent: 10_000,
      mayTake: () => true,
      ownerOf: () => 'all',
    });
    const { woken } = waitAs(
      waiters,
      filter('tester', { taskTypes: ['test'] }),
      filter('builder', { taskTypes: ['build'] }),
      filter('anyone'),
    );
    waiters.wake(task);
    await turn();
    expect(woken).toEqual(['builder woken']);
    waiters.wake(task);
    await turn();
    expect(woken).toEqual(['builder woken', 'anyone woken']);
    expect(waiters.size).toBe(1);
  });

  it('wakes for a task that is kept only the agent it is kept for', async () => {
    const waiters = new ClaimWaiters(new VirtualClock(), {
      maxWaiting: 10,
      maxWaitingPerAgent: 10_000,
      mayTake: () => true,
      ownerOf: () => 'all',
    });
    const { woken } = waitAs(waiters, filter('a'), filter('b'));
    waiters.wake({ ...task, kept_for_agent_id: 'c' });
    waiters.wake({ ...task, kept_for_agent_id: 'b' });
    await turn();
    expect(woken).toEqual(['b woken']);
  });

  it('gives a claim that was woken and found nothing its old place back', async () => {
    const waiters = new ClaimWaiters(new VirtualClock(), {
      maxWaiting: 10,
      maxWaitingPerAgent: 10_000,
      mayTake: () => true,
      ownerOf: () => 'all',
    });
    const early = waiters.enter(request(filter('early')), () => filter('early'));
    const { woken } = waitAs(waiters, filter('later'));
    void early
      .wait(1000)
      .then((outcome) => woken.push(`early ${typeof outcome === 'object' ? 'given' : outcome}`));
    waiters.wake(task);
    await turn();
    expect(woken).toEqual(['early woken']);
  });

  it('ends a claim that was taken for a task by who took it alone, not by time', async () => {
    const clock = new VirtualClock();
    const waiters = new ClaimWaiters(clock, {
      maxWaiting: 10,
      maxWaitingPerAgent: 10_000,
      mayTake: () => true,
      ownerOf: () => 'all',
    });
    const { woken } = waitAs(waiters, filter('a'), filter('b'), filter('c'));
    const [first, second] = [waiters.take(task), waiters.take(task)];
    expect([first?.request.agentId, second?.request.agentId, waiters.size]).toEqual(['a', 'b', 1]);
    await clock.advance(1000);
    expect(woken).toEqual(['c timed_out']);
    expect(waiters.take(task)).toBeNull();
    second?.release();
    // What matters to who waits is that it is his.
    first?.give({ task_id: 't1' } as TaskRow);
    await turn();
    expect(woken).toEqual(['c timed_out', 'b woken', 'a t1']);
  });

  it.each<[string, (waiters: ClaimWaiters, askers: readonly AbortController[]) => void]>([
    ['whose askers go', (_, askers) => askers.forEach((asker) => asker.abort())],
    ['when the server stops', (waiters) => waiters.stop()],
  ])('tells thousands %s in many turns, and none of them gets a task any more', async (_, endAll) => {
    const waiters = new ClaimWaiters(new VirtualClock(), {
      maxWaiting: 10_000,
      maxWaitingPerAgent: 10_000,
      mayTake: () => true,
      ownerOf: () => 'all',
    });
    const askers = Array.from({ length: 2000 }, () => new AbortController());
    let told = 0;
    const waits = askers.map(async ({ signal }, at) => {
      const wanted = filter(`agent-${at}`);
      await waiters.enter(request(wanted, signal), () => wanted).wait(1000);
      told++;
    });
    endAll(waiters, askers);
    expect([waiters.size, waiters.take(task)]).toEqual([0, null]);
    const perTurn: number[] = [];
    for (let before = 0; told < askers.length; before = told) {
      await turn();
      perTurn.push(told - before);
    }
    await Promise.all(waits);
    // The first turn has those who are told at once, and the next.
    expect(Math.max(...perTurn)).toBeLessThanOrEqual(200);
  });

  it('compares a task with no filter: those that wait stand in lines for what they take', async () => {
    const waiters = new ClaimWaiters(new VirtualClock(), {
      maxWaiting: 10_000,
      maxWaitingPerAgent: 10_000,
      mayTake: () => true,
      ownerOf: () => 'all',
    });
    let compared = 0;
    const watched = (agentId: string): ClaimFilter =>
      Object.defineProperty(filter(agentId, { taskTypes: ['mail'] }), 'phaseIds', {
        get: () => {
          compared++;
          return null;
        },
      });
    const { woken, ended } = waitAs(
      waiters,
      ...Array.from({ length: 1000 }, (_, number) => watched(`mailer-${number}`)),
    );
    compared = 0;
    for (let times = 0; times < 10; times++) waiters.wake(task);
    expect(compared).toBe(0);
    for (let times = 0; times < 10; times++) waiters.wake({ ...task, task_type: 'mail' });
    await turn();
    expect(compared).toBe(0);
    expect(woken).toEqual(Array.from({ length: 10 }, (_, number) => `mailer-${number} woken`));
    waiters.stop();
    await ended;
    expect(waiters.size).toBe(0);
  });

  it('calls one that looks for what fits it, and for nothing else', () => {
    const waiters = new ClaimWaiters(new VirtualClock(), {
      maxWaiting: 10,
      maxWaitingPerAgent: 10_000,
      mayTake: () => true,
      ownerOf: () => 'all',
    });
    const places = ['build', 'build', 'test'].map((type, at) => {
      const wanted = filter(`agent-${at}`, { taskTypes: [type] });
      return waiters.enter(request(wanted), () => wanted);
    });
    for (const place of places) place.look();
    waiters.wake(task);
    expect(places.map(({ isCalled }) => isCalled)).toEqual([true, false, false]);
    places[0]?.look();
    expect(places.map(({ isCalled }) => isCalled)).toEqual([false, false, false]);
  });

  it.each<[string, string[], boolean]>([
    ['calls the next for what one that was called did not take', ['other'], true],
    ['calls nobody for what one that was called took', ['other', 't'], false],
  ])('%s', (_, taken, isNextCalled) => {
    const waiters = new ClaimWaiters(new VirtualClock(), {
      maxWaiting: 10,
      maxWaitingPerAgent: 10_000,
      mayTake: () => true,
      ownerOf: () => 'all',
    });
    const [first, next] = ['a', 'b'].map((agentId) => {
      const place = waiters.enter(request(filter(agentId)), () => filter(agentId));
      place.look();
      return place;
    });
    waiters.wake(task);
    first?.leave(taken.map((taskId) => ({ task_id: taskId })));
    expect(next?.isCalled).toBe(isNextCalled);
  });

  it('has nobody wait that asks when the server has stopped', async () => {
    const waiters = new ClaimWaiters(new VirtualClock(), {
      maxWaiting: 10,
      maxWaitingPerAgent: 10_000,
      mayTake: () => true,
      ownerOf: () => 'all',
    });
    waiters.stop();
    expect(await waiters.enter(request(filter('a')), () => filter('a')).wait(1000)).toBe('timed_out');
  });
});
