import { setTimeout as delay } from 'node:timers/promises';
import type { ConnectionPool } from '../load/connection-pool.ts';
import { Recorder } from '../load/recorder.ts';
import { METRICS } from './rule-files.ts';
import { remoteWrite } from './samples.ts';
import { everySoOften } from '../load/schedule.ts';

export const PROBE_POOLS = 50;
export const probePool = (number: number): string => `bench-probe-${number}`;

const EVERY_MS = 200;
const CALM_AFTER_MS = 500;
/** Longer than an alert takes to resolve once its condition is over. */
const REST_MS = 3000;

/**
 * An alert that has nothing to do with the incident: five times a second one of fifty pools is in trouble. Measured is
 * from the time when its sample is due to the event of the committed start of its remediation.
 */
export class AlertProbe {
  readonly recorder = new Recorder();
  readonly #connections: ConnectionPool;
  readonly #free: string[] = Array.from({ length: PROBE_POOLS }, (_, number) => probePool(number));
  readonly #waiting = new Map<string, (outcome: 'answered' | 'failed') => void>();
  #schedule: { stop(): void } | null = null;
  /** Due at a time when all pools were still in trouble. */
  skipped = 0;

  constructor(connections: ConnectionPool) {
    this.#connections = connections;
  }

  /** @param isFresh false where pools may be in trouble since before a restart: such a one would raise no new alert */
  async start(isFresh: boolean): Promise<void> {
    if (!isFresh) await this.#calmAll();
    this.#schedule = everySoOften(EVERY_MS, (dueMs) => void this.#raise(dueMs));
  }

  async #calmAll(): Promise<void> {
    const calm = this.#free.map((pool) => ({ metric: METRICS.probe, labels: { pool }, value: 0 }));
    await this.#connections.send(remoteWrite(calm));
    await delay(REST_MS);
  }

  stop(): void {
    this.#schedule?.stop();
  }

  /** @param target `pool:NAME` */
  onStarted(target: string): void {
    const pool = target.slice('pool:'.length);
    const settle = this.#waiting.get(pool);
    if (!settle) return;
    settle('answered');
    this.#waiting.delete(pool);
    setTimeout(() => void this.#calm(pool), CALM_AFTER_MS);
  }

  async #raise(dueMs: number): Promise<void> {
    const pool = this.#free.shift();
    if (pool === undefined) {
      this.skipped++;
      return;
    }
    const settle = this.recorder.due(dueMs);
    this.#waiting.set(pool, settle);
    try {
      await this.#connections.send(remoteWrite([{ metric: METRICS.probe, labels: { pool }, value: 1 }]));
    } catch {
      settle('failed');
      if (this.#waiting.delete(pool)) this.#free.push(pool);
    }
  }

  async #calm(pool: string): Promise<void> {
    const calm = remoteWrite([{ metric: METRICS.probe, labels: { pool }, value: 0 }]);
    await this.#connections.send(calm).catch(() => undefined);
    setTimeout(() => this.#free.push(pool), REST_MS);
  }
}
