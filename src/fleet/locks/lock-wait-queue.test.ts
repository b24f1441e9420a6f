import { expect, test } from 'vitest';
import { nextTurn, TurnQueue, VirtualClock } from '#telemetry';
import { LockWaitQueue, type LockAttempt } from './lock-wait-queue.ts';

const PER_TURN = 100;

/** A resource that one may have at a time. */
function createResource() {
  let free = true;
  return {
    give: () => {
      free = true;
    },
    async attempt(name: string): Promise<LockAttempt<string>> {
      await Promise.resolve();
      if (!free) return { refused: new Error(`${name} has to wait`) };
      free = false;
      return { granted: name };
    },
  };
}

const overdue = (): Error => new Error('overdue');

test('who has no patience is told at once, also behind one who waits', async () => {
  const clock = new VirtualClock();
  const resource = createResource();
  const line = new LockWaitQueue<string>(clock, new TurnQueue(PER_TURN));
  const join = (name: string, waitMs: number) =>
    line.join(() => resource.attempt(name), { waitMs, signal: null, overdue });
  expect(await join('first', 0)).toEqual({ granted: 'first' });
  const second = join('second', 1000);
  expect(await join('third', 0)).toHaveProperty('refused');
  resource.give();
  line.advance();
  expect(await second).toEqual({ granted: 'second' });
  expect(line.length).toBe(0);
});

test('who waited long enough leaves, and the next is served', async () => {
  const clock = new VirtualClock();
  const resource = createResource();
  const line = new LockWaitQueue<string>(clock, new TurnQueue(PER_TURN));
  const join = (name: string, waitMs: number, signal: AbortSignal | null = null) =>
    line.join(() => resource.attempt(name), { waitMs, signal, overdue });
  await join('first', 0);
  const gone = new AbortController();
  const second = join('second', 500);
  const third = join('third', 5000, gone.signal);
  const fourth = join('fourth', 5000);
  await clock.advance(600);
  expect(await second).toMatchObject({ refused: { message: 'overdue' } });
  gone.abort();
  expect(await third).toMatchObject({ refused: { message: 'overdue' } });
  resource.give();
  line.advance();
  expect(await fourth).toEqual({ granted: 'fourth' });
});

test('an attempt that breaks is its own asker’s failure alone', async () => {
  const clock = new VirtualClock();
  const resource = createResource();
  const line = new LockWaitQueue<string>(clock, new TurnQueue(PER_TURN));
  const broken = new Error('database away');
  const options = { waitMs: 1000, signal: null, overdue };
  const first = line.join(async () => ({ failed: broken }), options);
  const second = line.join(() => resource.attempt('second'), options);
  expect(await first).toEqual({ failed: broken });
  expect(await second).toEqual({ granted: 'second' });
});

test('whose time runs out during his attempt gets the outcome of it', async () => {
  const clock = new VirtualClock();
  const line = new LockWaitQueue<string>(clock, new TurnQueue(PER_TURN));
  let finish: (outcome: LockAttempt<string>) => void = () => {};
  const slow = line.join(() => new Promise((resolve) => (finish = resolve)), {
    waitMs: 100,
    signal: null,
    overdue,
  });
  await clock.advance(200);
  finish({ granted: 'late but granted' });
  expect(await slow).toEqual({ granted: 'late but granted' });
});

test('who has left before he came in is told at the first refusal, and keeps no place', async () => {
  const resource = createResource();
  const line = new LockWaitQueue<string>(new VirtualClock(), new TurnQueue(PER_TURN));
  const join = (name: string, signal: AbortSignal | null) =>
    line.join(() => resource.attempt(name), { waitMs: 5000, signal, overdue });
  await join('first', null);
  expect(await join('gone', AbortSignal.abort())).toHaveProperty('refused');
  expect(line.length).toBe(0);
});

test('those who wait may leave from anywhere; the others keep their order', async () => {
  const resource = createResource();
  const line = new LockWaitQueue<string>(new VirtualClock(), new TurnQueue(PER_TURN));
  const granted: string[] = [];
  const join = async (name: string, signal: AbortSignal | null = null): Promise<void> => {
    const outcome = await line.join(() => resource.attempt(name), { waitMs: 5000, signal, overdue });
    if ('granted' in outcome) granted.push(outcome.granted);
  };
  await join('holder');
  const gone = new AbortController();
  const all = Array.from({ length: 12 }, (_, at) => join(String(at), at % 3 === 1 ? gone.signal : null));
  gone.abort();
  expect(line.length).toBe(8);
  while (line.length > 0) {
    const waiting = line.length;
    resource.give();
    line.advance();
    while (line.length === waiting) await Promise.resolve();
  }
  await Promise.all(all);
  expect(granted).toEqual(['holder', '0', '2', '3', '5', '6', '8', '9', '11']);
});

test.each<[string, (lines: readonly LockWaitQueue<string>[], askers: readonly AbortController[]) => void]>([
  ['whose askers go', (_, askers) => askers.forEach((asker) => asker.abort())],
  ['when the server stops', (lines) => lines.forEach((line) => line.stop(new Error('stopping')))],
])(
  'thousands in one line and in many are told in many turns %s, and none of them gets the lock any more',
  async (_, endAll) => {
    const turns = new TurnQueue(PER_TURN);
    const resources = Array.from({ length: 500 }, () => {
      const resource = createResource();
      return { resource, line: new LockWaitQueue<string>(new VirtualClock(), turns) };
    });
    const told: string[] = [];
    const askers: AbortController[] = [];
    const waits: Promise<void>[] = [];
    for (const [at, { resource, line }] of resources.entries()) {
      const join = (signal: AbortSignal | null) =>
        line.join(() => resource.attempt('asker'), { waitMs: 500, signal, overdue });
      await join(null);
      // A thousand in the first line, one in each other.
      for (let waiter = 0; waiter < (at === 0 ? 1000 : 1); waiter++) {
        const asker = new AbortController();
        askers.push(asker);
        waits.push(join(asker.signal).then((outcome) => void told.push(Object.keys(outcome).join())));
      }
    }
    await nextTurn();
    endAll(
      resources.map(({ line }) => line),
      askers,
    );
    const perTurn: number[] = [];
    for (let before = 0; told.length < askers.length; before = told.length) {
      await nextTurn();
      perTurn.push(told.length - before);
    }
    await Promise.all(waits);
    // The first turn has those who are told at once, and the next.
    expect(Math.max(...perTurn)).toBeLessThanOrEqual(2 * PER_TURN);
    for (const { resource, line } of resources) {
      expect(line.length).toBe(0);
      resource.give();
      line.advance();
    }
    await nextTurn();
    expect(new Set(told)).toEqual(new Set(['refused']));
  },
);
