import { fileURLToPath } from 'node:url';
import { ANONYMOUS_SENDER, SampleBatch } from '#telemetry';
import type { WorkerWorld } from './worker.ts';

const fileOf = (name: string): string => fileURLToPath(new URL(`gossip/${name}`, import.meta.url));

/**
 * The rules of the fleet. Those of hosts, task queues and Omoi itself have nothing to do with it, and all together are so long that a
 * thread reads them, whose time is real.
 */
export const FLEET_RULES = fileURLToPath(new URL('../../config/alert_rules/fleet.yaml', import.meta.url));

/** The rule that believes what is said, and the policy that would act on it. */
export const GOSSIP_FILES = {
  rules: fileOf('rules.yaml'),
  policy: fileOf('restart_agent_said_to_be_sick.yaml'),
} as const;

/** What that policy is called: in mode act nothing may ever begin by it. */
export const GOSSIP_POLICY = 'restart_agent_said_to_be_sick';

const SENT_EVERY_MS = 1000;

/** Somebody without a token who sends a metric about other people's agents. */
export class Gossip {
  readonly #world: WorkerWorld;
  /** Until when it says of an agent that it is sick, monotonic ms; from then on that it is well. */
  readonly #spokenOf = new Map<string, number>();

  constructor(world: WorkerWorld) {
    this.#world = world;
  }

  speakOf(agentId: string, forMs: number): void {
    const { clock } = this.#world;
    if (this.#spokenOf.size === 0) clock.every(SENT_EVERY_MS, () => void this.#send());
    this.#spokenOf.set(agentId, clock.monotonicMs() + forMs);
  }

  /** Everybody is said to be well. */
  fallSilent(): void {
    for (const agentId of this.#spokenOf.keys()) this.#spokenOf.set(agentId, 0);
  }

  async #send(): Promise<void> {
    const { clock, network } = this.#world;
    const { server } = network;
    if (!server) return;
    await Promise.race([server.responsive(), server.gate.closed]);
    if (!server.gate.isOpen) return;
    const nowMs = clock.monotonicMs();
    const batch = new SampleBatch();
    for (const [agentId, untilMs] of this.#spokenOf) {
      const series = server.samples.series({ __name__: 'agent_sickness', agent_id: agentId });
      batch.add(series, clock.wallMs(), untilMs > nowMs ? 1 : 0);
    }
    server.samples.commit(batch, {
      source: 'otlp',
      sender: ANONYMOUS_SENDER,
      traceparent: null,
      receivedAtMs: clock.wallMs(),
      receivedMonotonicMs: nowMs,
    });
  }
}
