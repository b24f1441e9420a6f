import { expect, it } from 'vitest';
import { VirtualClock } from '#telemetry';
import { SpawnQueue } from './spawn-queue.ts';
import { StartRates } from './start-rates.ts';

interface Unit {
  readonly pool: string;
  readonly name: string;
}

const LIMITS = { startsPerSecond: 20 };
const HOUR_MS = 3_600_000;

/** A queue whose units start at once, some of them not at all. */
function openQueue(
  clock: VirtualClock,
  {
    isStarted = () => true,
    begins = true,
  }: { isStarted?: ((unit: Unit) => boolean) | undefined; begins?: boolean } = {},
) {
  const starts: { readonly atMs: number; readonly unit: Unit }[] = [];
  let told: readonly Unit[] = [];
  const beganMs = clock.monotonicMs();
  const queue = new SpawnQueue<Unit>(
    clock,
    {
      nameOf: ({ name }) => name,
      poolOf: ({ pool }) => pool,
      spawn: async (unit) => {
        if (isStarted(unit)) starts.push({ atMs: clock.monotonicMs() - beganMs, unit });
        return isStarted(unit);
      },
      waiting: (units) => {
        told = units;
      },
    },
    new StartRates(clock, LIMITS),
  );
  if (begins) queue.begin();
  const add = (pool: string, count: number): void => {
    for (let at = 0; at < count; at++) queue.add({ pool, name: `${pool}-${at}` });
  };
  const ofPool = (pool: string) => starts.filter(({ unit }) => unit.pool === pool);
  return { queue, starts, add, ofPool, told: () => told };
}

/** Of times in ms: the most within any second. */
function mostInASecond(starts: readonly { readonly atMs: number }[]): number {
  return Math.max(
    0,
    ...starts.map(({ atMs: from }) => starts.filter(({ atMs }) => atMs >= from && atMs < from + 1000).length),
  );
}

async function pass(clock: VirtualClock, ms: number): Promise<void> {
  for (let passedMs = 0; passedMs < ms; passedMs += 50) await clock.advance(50);
}

async function openCalmQueue(isStarted?: (unit: Unit) => boolean) {
  const clock = new VirtualClock();
  const opened = openQueue(clock, { isStarted });
  await clock.advance(HOUR_MS);
  return { clock, ...opened };
}

it('starts a pool no faster than its rate, whoever asks for how many', async () => {
  const { clock, queue, starts, add } = await openCalmQueue();
  add('demo', 100);
  await pass(clock, 8900);
  expect(starts.length).toBeLessThan(100);
  await pass(clock, 200);
  expect(starts).toHaveLength(100);
  // What had come in before, and what comes in within that second.
  expect(mostInASecond(starts)).toBeLessThanOrEqual(20);
  queue.stop();
});

it('lets no pool wait for all the starts of another', async () => {
  const { clock, queue, starts, add, ofPool } = await openCalmQueue();
  add('crowd', 500);
  await pass(clock, 5000);
  add('demo', 1);
  await pass(clock, 100);
  expect(ofPool('demo')).toHaveLength(1);
  expect(starts.length).toBeLessThan(70);
  queue.stop();
});

it('starts of all pools together what the machine bears', async () => {
  const { clock, queue, starts, add } = await openCalmQueue();
  for (let pool = 0; pool < 50; pool++) add(`pool-${pool}`, 4);
  await pass(clock, 8900);
  expect(starts.length).toBeLessThan(200);
  await pass(clock, 200);
  expect(starts).toHaveLength(200);
  expect(mostInASecond(starts)).toBeLessThanOrEqual(40);
  queue.stop();
});

it('begins slowly after a start of the server', async () => {
  const clock = new VirtualClock();
  const { queue, starts, add } = openQueue(clock);
  add('demo', 500);
  await pass(clock, 10_000);
  const first = starts.length;
  await pass(clock, 20_000);
  const inTheRamp = starts.length;
  await pass(clock, 10_000);
  expect([first, inTheRamp, starts.length]).toEqual([47, 197, 297]);
  queue.stop();
});

it('charges nothing for what is not to be started after all', async () => {
  const { clock, queue, starts, add } = await openCalmQueue(({ name }) => name.startsWith('real'));
  add('demo', 100);
  await pass(clock, 50);
  for (let at = 0; at < 10; at++) queue.add({ pool: 'demo', name: `real-${at}` });
  await pass(clock, 50);
  expect(starts).toHaveLength(10);
  queue.stop();
});

it('begins nothing before it is told to, and then all of it', async () => {
  const clock = new VirtualClock();
  const { queue, starts, add } = openQueue(clock, { begins: false });
  add('demo', 3);
  await pass(clock, 5000);
  expect(starts).toEqual([]);
  queue.begin();
  await pass(clock, 5000);
  expect(starts).toHaveLength(3);
  queue.stop();
});

it('says who waits for his turn', async () => {
  const { clock, queue, add, told } = await openCalmQueue();
  add('demo', 30);
  await pass(clock, 1000);
  expect(told().length).toBeGreaterThan(5);
  await pass(clock, 3000);
  const before = told();
  await pass(clock, 5000);
  expect(told()).toBe(before);
  queue.stop();
});
