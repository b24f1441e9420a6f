import { openTestStateDatabase, type StateDatabase } from '#storage';
import {
  createSeededRandom,
  SelfMetrics,
  SteadyClock,
  type Guard,
  type Logger,
  type PoolDefinition,
  type VirtualClock,
} from '#telemetry';
import { createTsdb, type Tsdb } from '#tsdb';
import type { Config } from '../../src/server/config/schema.ts';
import { Lifecycle } from '../../src/server/lifecycle.ts';
import { startParts, type Parts } from '../../src/server/parts.ts';
import { faultyDatabase, type Disk, type FaultyDatabase } from './faulty-database.ts';
import { Gate } from './gate.ts';
import { GatedClock } from './gated-clock.ts';
import { logDisk, type LogFiles } from './log-disk.ts';
import type { Machine } from './machine.ts';
import { simulatedTracing } from './tracing.ts';

export interface IncarnationOptions {
  readonly clock: VirtualClock;
  readonly seed: number;
  readonly directory: string;
  readonly disk: Disk;
  readonly logFiles: LogFiles;
  readonly machine: Machine;
  readonly config: Config;
  readonly pools: readonly PoolDefinition[];
  /** Those that the watchdog asks. */
  readonly guards: readonly Guard[];
  readonly logger: Logger;
}

/** One life of the server process, from start to crash. Nothing of it acts after its gate was closed. */
export class Incarnation {
  readonly gate = new Gate();
  readonly clock: GatedClock;
  readonly #options: IncarnationOptions;
  readonly #lifecycle: Lifecycle;
  #file: StateDatabase | null = null;
  #database: FaultyDatabase | null = null;
  #parts: Parts | null = null;
  #tsdb: Tsdb | null = null;

  constructor(options: IncarnationOptions) {
    this.#options = options;
    this.clock = new GatedClock(options.clock, this.gate);
    this.#lifecycle = new Lifecycle(this.clock);
  }

  get parts(): Parts {
    if (!this.#parts) throw new Error('this server has not started');
    return this.#parts;
  }

  get samples(): Tsdb {
    if (!this.#tsdb) throw new Error('this server has not started');
    return this.#tsdb;
  }

  get transactionsInFlight(): number {
    return this.#database?.inFlight() ?? 0;
  }

  responsive(): Promise<void> {
    return this.clock.responsive();
  }

  /** @throws what the parts can't start with; then `bury` is to be called */
  async start(): Promise<void> {
    const { clock, gate } = this;
    const { directory, disk, logFiles, machine, config, pools, guards, logger, seed } = this.#options;
    this.#file = await openTestStateDatabase(clock, 'none', directory);
    this.#database = faultyDatabase(this.#file, disk, gate);
    const random = createSeededRandom(seed);
    const metrics = new SelfMetrics();
    const sampleClock = new SteadyClock(clock);
    const tsdb = await createTsdb({
      clock: sampleClock,
      logger,
      selfMetrics: metrics,
      logStorage: logDisk(logFiles, disk, gate),
    });
    this.#tsdb = tsdb;
    this.#lifecycle.started('tsdb', () => tsdb.stop());
    const parts = await startParts({
      config,
      lifecycle: this.#lifecycle,
      guards,
      connection: { url: 'http://simulated', otlpUrl: null, inheritedEnv: {} },
      ground: {
        clock,
        sampleClock,
        random,
        state: this.#database.database,
        tsdb,
        tracing: simulatedTracing(random),
        metrics,
        runtimes: [machine.runtime(gate, () => clock.responsive())],
        createSecret: () => 'simulated',
        agentTokens: { mint: async () => 'simulated', end: async () => undefined },
        grantOf: () => null,
        logger: () => logger,
      },
    });
    await parts.pools.start();
    this.#lifecycle.started('pools', () => parts.pools.close());
    const asked = { reason: 'configured', by: 'configuration', traceparent: null };
    for (const pool of pools) await parts.pools.declare(pool, asked);
    this.#parts = parts;
  }

  /** SIGTERM: the parts stop in order, and the agents work on. */
  async stop(): Promise<void> {
    await Promise.race([this.#lifecycle.stop(this.#options.logger), this.gate.closed]);
    this.gate.close();
  }

  /** kill -9. */
  crash(): void {
    this.gate.close();
  }

  /** What the operating system does for a dead process: its files are closed. */
  async bury(): Promise<void> {
    this.gate.close();
    await this.#file?.close();
  }
}
