import { between, oneOf } from './chance.ts';
import { Worker, type WorkerWorld } from './worker.ts';

const STRANGERS = ['visitor-a', 'visitor-b'];

/** Agents that Omoi only watches: they are started by somebody else, who starts them again when they crash. */
export class Strangers {
  readonly #world: WorkerWorld;
  readonly #phaseId: string;
  readonly #running = new Map<string, Worker>();
  #starts = 0;

  constructor(world: WorkerWorld, phaseId: string) {
    this.#world = world;
    this.#phaseId = phaseId;
    for (const agentId of STRANGERS) this.#start(agentId);
  }

  /** @returns whether one ran */
  crashOne(): boolean {
    const { ledger, random } = this.#world;
    const found = oneOf(random, [...this.#running]);
    if (!found) return false;
    const [agentId, worker] = found;
    ledger.endedByItself({ agentId, generation: worker.generation });
    worker.die();
    this.#startLater(agentId);
    return true;
  }

  wakeAll(): void {
    for (const worker of this.#running.values()) worker.wake();
  }

  #startLater(agentId: string): void {
    this.#running.delete(agentId);
    this.#world.clock.after(between(this.#world.random, 200, 10_000), () => this.#start(agentId));
  }

  #start(agentId: string): void {
    const nonce = `stranger-${agentId}-${++this.#starts}`;
    const identity = { agentId, generation: null, nonce, poolId: null, phaseId: this.#phaseId };
    const worker = new Worker(identity, this.#world, () => this.#startLater(agentId));
    this.#running.set(agentId, worker);
    worker.start();
  }
}
