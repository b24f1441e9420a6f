import { encodeWriteRequest } from '../../tests/remote-write-request.ts';
import { wrap } from './load.ts';
import { boundOf, bucketsOf, observedBetween, percentile, round, type Buckets } from './numbers.ts';
import { Client } from './requests.ts';
import type { Target } from './target.ts';

const PROBE_SERIES = 10;
const EVERY_MS = 20;
const AGENT = { agent_id: 'bench-agent', agent_type: 'worker', nonce: 'bench-nonce' };

export interface ProbeReadings {
  /** From a heartbeat's request to its answer, seen by the agent. */
  readonly heartbeat_p50_ms: number;
  readonly heartbeat_p99_ms: number;
  readonly heartbeat_max_ms: number;
  readonly heartbeats: number;
  /** From the arrival of a sample to its evaluated rule, as the server's histogram has it: bounds of buckets. */
  readonly rule_p50_below_ms: number;
  readonly rule_p99_below_ms: number;
  readonly rule_max_below_ms: number;
  readonly rule_evaluations: number;
}

/** What an agent and a rule notice of whatever else Omoi does: heartbeats and samples of ten series, steadily. */
export class Probes {
  readonly #agent: Client;
  readonly #writer: Client;
  #sequence = 0;

  private constructor(target: Target) {
    this.#agent = new Client(target);
    this.#writer = new Client(target);
  }

  static async start(target: Target): Promise<Probes> {
    const probes = new Probes(target);
    await probes.#agent.post('/api/v1/fleet/agents', {
      ...AGENT,
      heartbeat_interval_ms: 60_000,
      heartbeat_ttl_ms: 600_000,
    });
    await probes.#write();
    return probes;
  }

  /** Probes as long as `work` takes. */
  async during(work: Promise<unknown>): Promise<ProbeReadings> {
    const before = await this.#latencies();
    const heartbeatsMs: number[] = [];
    const running = { now: true };
    const stopped = work.finally(() => (running.now = false));
    await Promise.all([
      steadily(running, async () => {
        const startedAt = performance.now();
        await this.#beat();
        heartbeatsMs.push(performance.now() - startedAt);
      }),
      steadily(running, () => this.#write()),
      stopped,
    ]);
    const after = await this.#latencies();
    const bound = (share: number): number => round(1000 * boundOf(before, after, share));
    return {
      heartbeat_p50_ms: round(percentile(heartbeatsMs, 0.5)),
      heartbeat_p99_ms: round(percentile(heartbeatsMs, 0.99)),
      heartbeat_max_ms: round(Math.max(...heartbeatsMs)),
      heartbeats: heartbeatsMs.length,
      rule_p50_below_ms: bound(0.5),
      rule_p99_below_ms: bound(0.99),
      rule_max_below_ms: bound(1),
      rule_evaluations: observedBetween(before, after),
    };
  }

  close(): void {
    this.#agent.close();
    this.#writer.close();
  }

  #beat(): Promise<Buffer> {
    const path = `/api/v1/fleet/agents/${AGENT.agent_id}/heartbeat`;
    return this.#agent.post(path, { generation: 1, sequence: ++this.#sequence });
  }

  async #write(): Promise<void> {
    const timestampMs = Date.now();
    const series = Array.from({ length: PROBE_SERIES }, (_, at) => ({
      labels: [
        ['__name__', 'probe_value'],
        ['kind', at % 2 === 0 ? 'even' : 'odd'],
        ['series', String(at)],
      ] as const,
      samples: [{ timestampMs, value: timestampMs % 1000 }],
    }));
    await this.#writer.write(wrap(Buffer.from(encodeWriteRequest(series))));
  }

  async #latencies(): Promise<Buckets> {
    const page = await this.#agent.page('/metrics');
    return bucketsOf(page.toString('utf8'), 'omoi_rule_evaluation_latency_seconds');
  }
}

/** One after the other, begun `EVERY_MS` apart where the last one has ended by then. */
async function steadily(running: { readonly now: boolean }, step: () => Promise<unknown>): Promise<void> {
  while (running.now) {
    const pause = new Promise((resolve) => {
      setTimeout(resolve, EVERY_MS);
    });
    await step();
    await pause;
  }
}
