import { expect, it } from 'vitest';
import { createSeededRandom } from '../random.ts';
import { VirtualClock } from '../time/virtual-clock.ts';
import { AskedWork } from './asked-work.ts';

function stage(work: () => Promise<void>) {
  const clock = new VirtualClock();
  const failures: string[] = [];
  const asked = new AskedWork({
    clock,
    random: createSeededRandom(1),
    backoff: { firstMs: 100, maxMs: 1000 },
    work,
    onFailure: (error) => failures.push(String(error)),
  });
  return { clock, failures, asked };
}

it('is done once for all who ask while it is under way', async () => {
  let done = 0;
  const gate = Promise.withResolvers<void>();
  const { asked, clock } = stage(async () => {
    done++;
    await gate.promise;
  });
  asked.ask();
  for (let at = 0; at < 5; at++) asked.ask();
  expect(done).toBe(1);
  gate.resolve();
  await clock.advance(1);
  expect(done).toBe(2);
  asked.ask();
  await asked.stop();
  expect(done).toBe(3);
});

it('is tried again until it is done', async () => {
  let left = 3;
  const { asked, clock, failures } = stage(async () => {
    if (left-- > 0) throw new Error('away');
  });
  asked.ask();
  await clock.advance(10_000);
  expect([left, failures]).toEqual([-1, Array.from({ length: 3 }, () => 'Error: away')]);
  await asked.stop();
});

it('is neither tried again nor begun once it is stopped', async () => {
  let tries = 0;
  const { asked, clock } = stage(async () => {
    tries++;
    throw new Error('away');
  });
  asked.ask();
  await asked.stop();
  asked.ask();
  await clock.advance(10_000);
  expect(tries).toBe(1);
});
