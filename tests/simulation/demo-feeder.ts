import { messageOf, OmoiError, type Timer, type VirtualClock } from '#telemetry';
import type { Ledger } from './ledger.ts';
import type { Machine } from './machine.ts';
import { Unreachable, type Network } from './network.ts';
import { FETCH } from './worker.ts';

/** As the feeder of the demo has them. */
const FED_POOL = 'demo';
const FEEDER_POOL = 'demo-feeder';
/** A third of the demo's: every task is real writing to a real disk, of which an hour takes minutes. */
const PER_SECOND = 3;
const CYCLE = 20;
const MAX_UNFINISHED = 8;

interface FeederWorld {
  readonly clock: VirtualClock;
  readonly network: Network;
  readonly machine: Machine;
  readonly ledger: Ledger;
}

/** What `examples/fleet/feeder.ts` does, while its process runs and has the CPU. */
export class DemoFeeder {
  readonly #world: FeederWorld;
  readonly #timer: Timer;
  #inFlight = 0;
  #count = 0;

  constructor(world: FeederWorld) {
    this.#world = world;
    this.#timer = world.clock.every(1000 / PER_SECOND, () => void this.#feed());
  }

  /** What waits can be worked off. */
  rest(): void {
    this.#timer.cancel();
  }

  async #feed(): Promise<void> {
    const { machine, network, ledger } = this.#world;
    const process = machine.processes.find(({ poolId }) => poolId === FEEDER_POOL);
    if (!process || process.worker.isStarved || process.worker.isHung) return;
    if (ledger.enqueued.size + this.#inFlight - ledger.completed.length >= MAX_UNFINISHED) return;
    this.#inFlight++;
    const place = this.#count++ % CYCLE;
    const task = {
      taskType: FETCH,
      phaseId: place === 0 ? 'PHASE_DESIGN' : place <= 3 ? 'PHASE_TESTING' : 'PHASE_IMPLEMENTATION',
      priority: place % 5 === 4 ? 5 : 0,
      payload: '{}',
      timeLimitMs: null,
      maxAttempts: 3,
      idempotencyKey: null,
      poolId: FED_POOL,
    };
    try {
      await network.call(process.agentId, async ({ fleet }) => {
        for (const { task: row } of await fleet.tasks.enqueue([task], null)) ledger.enqueued.add(row.task_id);
      });
    } catch (thrown) {
      if (!(thrown instanceof OmoiError) && !(thrown instanceof Unreachable))
        ledger.surprises.push(messageOf(thrown));
    } finally {
      this.#inFlight--;
    }
  }
}
