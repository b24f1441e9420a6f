import type { Span } from '#telemetry';
import type { Runtime, StartedUnit } from '../runtimes/runtime.ts';
import { persist, type PersistOptions } from './persist.ts';
import type { PoolParts } from './pool-parts.ts';
import { lockPool } from './pool-rows.ts';
import { createSpawnNonce } from './spawn-nonce.ts';
import { firstLooksMs } from './unit-end.ts';
import { isElsewhere } from './unit-host.ts';
import { changeUnit, readUnit, setRunningElsewhere, type UnitKey, type UnitRow } from './unit-rows.ts';
import { UnitsElsewhere } from './units-elsewhere.ts';

/** A generation's unit, and whose it is. */
export interface PoolKey extends UnitKey {
  readonly poolId: string;
}

export function keyOf(row: UnitRow): PoolKey {
  return { agentId: row.agent_id, generation: row.generation, poolId: row.pool_id };
}

export function nameOf(key: UnitKey): string {
  return `${key.agentId}/${key.generation}`;
}

/** What is done with a unit that was found. */
export interface UnitTaker {
  readonly runtimes: ReadonlyMap<string, Runtime>;
  /** To be called for an intent that is open. */
  spawn(key: PoolKey): void;
  /** One that runs is watched from now on. @param watchedFromMs monotonic: an end that is told before may have come earlier */
  watch(
    handle: string,
    unit: { readonly key: PoolKey; readonly runtime: Runtime; watchedFromMs: number },
  ): void;
  /** What an intent was for has been started. */
  took(taken: { key: PoolKey; runtime: Runtime; started: StartedUnit; span: Span }): Promise<void>;
  /** Its stop goes on. */
  stop(row: UnitRow): void;
  /** It is not heard of any more, on a machine that can't be looked at. */
  gone(key: PoolKey): void;
  startSpan(key: PoolKey, parent: string | null): Span;
  persisting(what: string, key: PoolKey): PersistOptions;
}

/**
 * The units that an earlier server left: those that run are adopted, open intents are looked into. What a server on another
 * machine has started is judged by what it says.
 */
export class EarlierUnits {
  readonly #parts: PoolParts;
  readonly #taker: UnitTaker;
  readonly #elsewhere: UnitsElsewhere;
  /** Intents whose spawn an earlier server may have carried out without writing it down. */
  readonly #unknown = new Set<string>();

  constructor(parts: PoolParts, taker: UnitTaker) {
    this.#parts = parts;
    this.#taker = taker;
    this.#elsewhere = new UnitsElsewhere({ ...parts, onGone: (row) => taker.gone(keyOf(row)) });
  }

  async takeOver(): Promise<void> {
    const rows = await this.#parts.database.reader
      .selectFrom('agent_units')
      .selectAll()
      .where('state', '!=', 'ended')
      .execute();
    this.#tellElsewhere(rows.filter((row) => isElsewhere(row, this.#parts)));
    for (const row of rows) {
      if (row.state === 'intended') {
        this.#unknown.add(nameOf(keyOf(row)));
        this.#taker.spawn(keyOf(row));
      } else if (isElsewhere(row, this.#parts)) this.#takeElsewhere(row);
      else this.#adopt(row);
    }
  }

  close(): void {
    this.#elsewhere.close();
  }

  /** @returns false where it is not on another machine: it can be asked to stop by its runtime */
  stopElsewhere(row: UnitRow): boolean {
    return this.#elsewhere.stop(row);
  }

  /** Looks, once, for the process of an intent that an earlier server left open. @returns whether it is there */
  async recover(key: PoolKey): Promise<boolean> {
    if (!this.#unknown.delete(nameOf(key))) return false;
    const taker = this.#taker;
    const row = await persist(taker.persisting('An open intent', key), (tx) => readUnit(tx, key));
    if (row?.state === 'intended' && isElsewhere(row, this.#parts)) return this.#claimIntent(key);
    const runtime = row && taker.runtimes.get(row.runtime);
    if (!runtime || row.state !== 'intended' || row.nonce === null) return false;
    const found = await runtime.discover(row.nonce);
    if (!found) return false;
    const span = taker.startSpan(key, row.traceparent);
    span.setAttributes({ 'omoi.spawn.found': true });
    await taker.took({ key, runtime, started: found, span });
    runtime.watch(found.handle);
    span.end();
    return true;
  }

  /**
   * Takes over what a server on another machine was to start. Where that was done it has registered, and goes on there; else
   * it is started here, and who may have been started there is refused, since it does not know the new secret.
   * @returns whether it runs there
   */
  async #claimIntent(key: PoolKey): Promise<boolean> {
    const options = this.#taker.persisting('The order to start an agent', key);
    const taken = await persist(options, async (tx) => {
      await lockPool(tx, key.poolId);
      const nonce = createSpawnNonce();
      if (await this.#parts.generations.renewNonce(tx, { ...key, nonce })) {
        await changeUnit(tx, key, { nonce });
        return null;
      }
      await setRunningElsewhere(tx, key);
      return readUnit(tx, key);
    });
    if (!taken) return false;
    this.#takeElsewhere(taken);
    return true;
  }

  #tellElsewhere(rows: readonly UnitRow[]): void {
    if (rows.length === 0) return;
    const hosts = [...new Set(rows.map(({ host }) => host))];
    this.#parts.logger.warn(
      { hosts, units: rows.length },
      'Units were started on another machine, which this server can neither look at nor signal: each goes on as long as it is heard',
    );
  }

  #adopt(row: UnitRow): void {
    const runtime = this.#taker.runtimes.get(row.runtime);
    if (!runtime || row.handle === null) {
      this.#parts.logger.error(
        { agent_id: row.agent_id, runtime: row.runtime },
        'A unit that runs can’t be watched or stopped: its runtime is not there.',
      );
      return;
    }
    const watchedFromMs = this.#parts.clock.monotonicMs() + firstLooksMs;
    this.#taker.watch(row.handle, { key: keyOf(row), runtime, watchedFromMs });
    this.#parts.silence.started(keyOf(row));
    runtime.watch(row.handle);
    if (row.kill_at_ms !== null) this.#taker.stop(row);
  }

  #takeElsewhere(row: UnitRow): void {
    this.#parts.silence.started(keyOf(row));
    this.#elsewhere.add(row);
    if (row.kill_at_ms !== null) this.#taker.stop(row);
  }
}
