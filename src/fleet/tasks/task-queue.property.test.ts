import fc from 'fast-check';
import { expect, test } from 'vitest';
import { propertyLimitMs, heavyPropertyRuns } from '../../../tests/property-runs.ts';
import { OmoiError } from '#telemetry';
import {
  claimOf,
  heldBy,
  registration,
  task,
  createTestFleet,
  type TestFleet,
} from '../fleet.test-support.ts';

const AGENTS = ['a', 'b', 'c'] as const;
const agent = fc.constantFrom(...AGENTS);
/** Picks among what was claimed so far, also what was lost since. */
const pick = fc.nat();

const action = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('enqueue' as const), priority: fc.nat(2) }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('claim' as const), agent }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('complete' as const), pick }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('fail' as const), pick }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('renew' as const), pick }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('handoff' as const), pick, to: agent }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('take_back' as const), pick }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const), agent }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 900 }) }),
  },
);
type Action = typeof action extends fc.Arbitrary<infer Value> ? Value : never;

/** What the world outside believes: every claim it was given, and every completion that was acknowledged. */
class World {
  readonly enqueued = new Set<string>();
  readonly completions: string[] = [];
  readonly #claims: { readonly taskId: string; readonly agentId: string; readonly generation: number }[] = [];
  readonly #running: TestFleet;

  constructor(running: TestFleet) {
    this.#running = running;
  }

  /** What an agent is refused is its own business; anything but a coded error is a defect. */
  async run(step: Action): Promise<void> {
    try {
      await this.#do(step);
    } catch (thrown) {
      if (!(thrown instanceof OmoiError)) throw thrown;
    }
  }

  async #do(step: Action): Promise<void> {
    const { agents, tasks } = this.#running.fleet;
    switch (step.kind) {
      case 'enqueue': {
        const [made] = await tasks.enqueue([task({ priority: step.priority, maxAttempts: 1000 })], null);
        if (made) this.enqueued.add(made.task.task_id);
        return;
      }
      case 'claim': {
        const generation = agents.get(step.agent)?.generation ?? 1;
        const [claimed] = await tasks.claim(claimOf(step.agent, { generation, leaseMs: 500 }));
        if (claimed) this.#claims.push({ taskId: claimed.task_id, agentId: step.agent, generation });
        return;
      }
      case 'restart':
        await agents.register(
          registration(step.agent, {
            newGeneration: true,
            nonce: `nonce ${this.#running.clock.monotonicMs()}`,
          }),
        );
        return;
      case 'wait':
        return this.#running.clock.advance(step.ms);
      case 'complete':
      case 'fail':
      case 'renew':
      case 'handoff':
      case 'take_back':
        return this.#settle(step);
    }
  }

  async #settle(step: Extract<Action, { pick: number }>): Promise<void> {
    const { tasks } = this.#running.fleet;
    const claim = this.#claims[step.pick % Math.max(1, this.#claims.length)];
    if (!claim) return;
    const ref = heldBy(claim.agentId, claim.taskId, claim.generation);
    switch (step.kind) {
      case 'complete': {
        const before = await tasks.get(claim.taskId);
        await tasks.complete(ref, null);
        if (before.state !== 'completed') this.completions.push(claim.taskId);
        return;
      }
      case 'fail':
        await tasks.fail(ref, { error: 'no luck', retry: true });
        return;
      case 'renew':
        await tasks.renew(ref);
        return;
      case 'handoff':
        await tasks.handOff(ref, { agentId: step.to, reason: null });
        return;
      case 'take_back':
        await tasks.reassignTask(claim.taskId, null);
        return;
    }
  }

  /** A new agent does whatever is left. */
  async finish(): Promise<void> {
    const { agents, tasks } = this.#running.fleet;
    await agents.register(registration('finisher'));
    for (let idle = 0; idle < 200; idle++) {
      const [left] = await tasks.claim(claimOf('finisher'));
      if (left) await tasks.complete(heldBy('finisher', left.task_id), null);
      else if (await this.#allDone()) return;
      else await this.#running.clock.advance(1000);
    }
  }

  async #allDone(): Promise<boolean> {
    const query = { phaseId: null, agentId: null, after: null, limit: 1 };
    return (await this.#running.fleet.tasks.list({ ...query, states: ['queued', 'claimed'] })).length === 0;
  }
}

async function play(steps: readonly (readonly Action[])[]): Promise<void> {
  const running = createTestFleet({ limits: { retryBaseMs: 100, retryMaxMs: 1000, handoffKeptMs: 400 } });
  await running.open();
  try {
    for (const agentId of AGENTS) await running.fleet.agents.register(registration(agentId));
    const world = new World(running);
    for (const together of steps) await Promise.all(together.map((step) => world.run(step)));
    await world.finish();
    const events = await running.events('fleet.task.completed');
    const completed = events.map((payload) => (payload as { task_id: string }).task_id);
    expect(new Set(completed).size).toBe(completed.length);
    expect(new Set(completed)).toEqual(world.enqueued);
    for (const taskId of world.completions) expect(completed).toContain(taskId);
    const { queue, agents } = running.fleet.feed.snapshot();
    expect(queue.every(({ queued }) => queued === 0)).toBe(true);
    expect(agents.filter(({ status }) => status === 'RUNNING')).toEqual([]);
  } finally {
    await running.close();
  }
}

test(
  'whatever happens in whatever order, a task is completed once and none is lost',
  async () => {
    const steps = fc.array(fc.array(action, { minLength: 1, maxLength: 4 }), {
      minLength: 10,
      maxLength: 40,
    });
    // A failure prints the seed and the shrunk steps; `{ seed, path }` here replays them.
    await fc.assert(fc.asyncProperty(steps, play), { numRuns: heavyPropertyRuns(20), endOnFailure: false });
  },
  propertyLimitMs,
);
