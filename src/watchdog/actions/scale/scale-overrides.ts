import { type StateDatabase, type StateTables, deadlineOf, deadlineSet } from '#storage';
import {
  messageOf,
  type Clock,
  type Logger,
  type Timer,
  type Tracing,
  leftUntil,
  momentOf,
} from '#telemetry';
import type { Selectable } from 'kysely';
import type { AlertReader, FleetActuator } from '../../ports.ts';
import type { Remediation } from '../../remediations/remediation.ts';
import type { WatchdogCounters } from '../../watchdog-counters.ts';
import type { TimedCalls } from '../timed-calls.ts';
import { keyOf, PoolAlerts, type PoolAlert } from './pool-alerts.ts';

export interface ScaleOverridesParts {
  readonly database: StateDatabase;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly tracing: Tracing;
  readonly fleet: FleetActuator;
  readonly alerts: AlertReader;
  readonly calls: TimedCalls;
  readonly counters: WatchdogCounters;
}

type Override = Selectable<StateTables['watchdog_claims']>;
/** What a policy's step says of an override. Times in ms. */
export interface ScaleTerms {
  readonly add: number;
  readonly ttl: number;
  readonly release_after: number;
}

type OverrideRef = { readonly overrideId: string; readonly remediation: Remediation };

/** An override is extended after this share of its life. */
const EXTENSIONS_PER_TTL = 3;
const MAX_UPKEEP_PERIOD_MS = 10_000;
const MIN_UPKEEP_PERIOD_MS = 250;

/**
 * The scale overrides that the watchdog holds: extended while their alert fires, taken back once it has been resolved
 * for a while. The fleet has an override before it is written down here, and ends it by itself where nobody extends it:
 * a row whose override the fleet does not know (it expired, its pool is gone) is dropped.
 */
export class ScaleOverrides {
  readonly #parts: ScaleOverridesParts;
  #timer: Timer | null = null;
  /** When the timer fires, monotonic ms. */
  #dueAtMs = Number.POSITIVE_INFINITY;
  #upkeep: Promise<void> = Promise.resolve();
  readonly #inHand = new Map<string, Promise<void>>();
  /** When each override was last extended, monotonic ms; as many as there are overrides. */
  readonly #extendedAtMs = new Map<string, number>();
  readonly #poolAlerts = new PoolAlerts();
  /** Policies and pools that have an override. */
  #watched = new Set<string>();
  #isDue = false;
  #stopped = false;

  constructor(parts: ScaleOverridesParts) {
    this.#parts = parts;
  }

  /** Raises an override, or raises it again. @throws what the fleet refuses */
  async raise(
    step: ScaleTerms,
    override: OverrideRef & { readonly reason: string; readonly traceparent: string | null },
  ): Promise<void> {
    const { overrideId, remediation, reason, traceparent } = override;
    await this.#parts.fleet.raiseScale({
      poolId: remediation.target_id,
      overrideId,
      add: step.add,
      ttlMs: step.ttl,
      reason,
      traceparent,
    });
    await this.#keep(step, override);
  }

  /** Looks after an override that an earlier attempt has raised; false where the fleet has no such override. */
  async takeUp(step: ScaleTerms, override: OverrideRef): Promise<boolean> {
    const held = await this.#parts.fleet.extendScale(override.overrideId, step.ttl);
    if (held) await this.#keep(step, override);
    return held;
  }

  /** Takes the upkeep up again after a start. */
  async start(): Promise<void> {
    const { alerts, database } = this.#parts;
    const firing = await alerts.firing();
    await this.#poolAlerts.start(
      database,
      firing.map((alert) => alert.alertId),
    );
    this.#wake();
    await this.#upkeep;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    await this.#upkeep;
    await Promise.all(this.#inHand.values());
  }

  /** An alert fires for a pool: its override stays. */
  alertBegan(alert: PoolAlert): void {
    this.#poolAlerts.begin(alert);
    if (this.#watched.has(keyOf(alert))) this.#wake();
  }

  /** Whether an alert that fires concerns a pool. */
  concerns(alertId: string): boolean {
    return this.#poolAlerts.has(alertId);
  }

  /** An alert has been resolved: where it was the last of its pool, the override goes after a while. */
  alertEnded(alertId: string): void {
    if (this.#poolAlerts.end(alertId).some((key) => this.#watched.has(key))) this.#wake();
  }

  #wake(): void {
    if (this.#isDue || this.#stopped) return;
    this.#isDue = true;
    this.#upkeep = this.#upkeep.then(() => this.#maintain());
  }

  async #keep(step: ScaleTerms, { overrideId, remediation }: OverrideRef): Promise<void> {
    await this.#parts.database.transaction(async (tx) => {
      await tx.db
        .insertInto('watchdog_claims')
        .values({
          claim_id: overrideId,
          remediation_id: remediation.id,
          policy: remediation.policy,
          pool_id: remediation.target_id,
          ttl_ms: step.ttl,
          release_after_ms: step.release_after,
          release_at_ms: null,
          traceparent: remediation.traceparent,
        })
        .onConflict((conflict) => conflict.column('claim_id').doNothing())
        .execute();
    });
    this.#watched.add(keyOf({ policy: remediation.policy, poolId: remediation.target_id }));
    this.#extendedAtMs.set(overrideId, this.#parts.clock.monotonicMs());
    this.#schedule(step.ttl);
  }

  /** What is due earlier stays due: one override must not put off the upkeep of the others. */
  #schedule(delayMs: number): void {
    if (this.#stopped) return;
    const boundedMs = Math.min(
      Math.max(delayMs / EXTENSIONS_PER_TTL, MIN_UPKEEP_PERIOD_MS),
      MAX_UPKEEP_PERIOD_MS,
    );
    const dueAtMs = this.#parts.clock.monotonicMs() + boundedMs;
    if (dueAtMs >= this.#dueAtMs) return;
    this.#timer?.cancel();
    this.#dueAtMs = dueAtMs;
    this.#timer = this.#parts.clock.after(boundedMs, () => {
      this.#dueAtMs = Number.POSITIVE_INFINITY;
      this.#wake();
    });
  }

  async #maintain(): Promise<void> {
    const { database, logger } = this.#parts;
    this.#isDue = false;
    if (this.#stopped) return;
    try {
      const overrides = await database.reader.selectFrom('watchdog_claims').selectAll().execute();
      if (this.#stopped) return;
      this.#watched = new Set(overrides.map(overrideKey));
      if (overrides.length === 0) return;
      for (const override of overrides) {
        this.#maintainSoon(override, this.#poolAlerts.isFiring(overrideKey(override)));
      }
      const nextMs = overrides.map((override) => Math.min(override.ttl_ms, this.#releaseLeftMs(override)));
      this.#schedule(Math.min(...nextMs));
    } catch (thrown) {
      logger.warn(
        { error: messageOf(thrown) },
        'Scale overrides not kept up: their rows could not be read; tried again',
      );
      this.#schedule(MIN_UPKEEP_PERIOD_MS);
    }
  }

  /** Each for itself: one override whose upkeep hangs does not hold up the others. */
  #maintainSoon(override: Override, firing: boolean): void {
    const id = override.claim_id;
    if (this.#inHand.has(id)) return;
    this.#inHand.set(
      id,
      this.#maintainOne(override, firing).finally(() => this.#inHand.delete(id)),
    );
  }

  /** Never throws. */
  async #maintainOne(override: Override, firing: boolean): Promise<void> {
    const { logger } = this.#parts;
    try {
      const isOver = !firing && this.#releaseLeftMs(override) === 0;
      await (isOver ? this.#release(override) : this.#extend(override, firing));
    } catch (thrown) {
      logger.warn(
        { override_id: override.claim_id, pool_id: override.pool_id, error: messageOf(thrown) },
        'Scale override not extended or released; tried again',
      );
    }
  }

  async #extend(override: Override, firing: boolean): Promise<void> {
    const { fleet, clock, calls, database, counters, logger } = this.#parts;
    const isFresh = this.#isFresh(override);
    const held = isFresh || (await calls.within(fleet.extendScale(override.claim_id, override.ttl_ms)));
    if (held && !isFresh) this.#extendedAtMs.set(override.claim_id, clock.monotonicMs());
    if (!held) {
      await this.#forget(override);
      counters.overrideEnded('expired');
      logger.warn(
        { override_id: override.claim_id, pool_id: override.pool_id },
        'Scale override dropped: it has expired, or its pool is gone',
      );
      return;
    }
    if (firing === (override.release_at_ms === null)) return;
    await database.transaction(async (tx) => {
      const now = momentOf(clock, tx.nowMs);
      const release = {
        release_at_ms: Math.round(now.wallMs + override.release_after_ms),
        ...deadlineSet(now),
      };
      await tx.db
        .updateTable('watchdog_claims')
        .set(firing ? { release_at_ms: null } : release)
        .where('claim_id', '=', override.claim_id)
        .execute();
    });
  }

  /** What is left until an override whose alert is over is taken back, ms; infinite while its alert fires. */
  #releaseLeftMs(override: Override): number {
    const { release_at_ms: atMs } = override;
    if (atMs === null) return Number.POSITIVE_INFINITY;
    return leftUntil(deadlineOf(atMs, override), momentOf(this.#parts.clock));
  }

  /** Alerts come and go more often than overrides need to be extended. */
  #isFresh(override: Override): boolean {
    const extendedAtMs = this.#extendedAtMs.get(override.claim_id);
    if (extendedAtMs === undefined) return false;
    return this.#parts.clock.monotonicMs() - extendedAtMs < override.ttl_ms / EXTENSIONS_PER_TTL / 2;
  }

  /** The fleet first: a crash in between takes the override back once more, which is harmless. */
  async #release(override: Override): Promise<void> {
    const { fleet, tracing, calls, counters, logger } = this.#parts;
    const span = tracing.startSpan('watchdog.release', {
      parent: override.traceparent,
      attributes: { 'omoi.pool.id': override.pool_id, 'omoi.override.id': override.claim_id },
    });
    try {
      await calls.within(fleet.releaseScale(override.claim_id, span.traceparent));
      await this.#forget(override);
    } catch (thrown) {
      span.fail(messageOf(thrown));
      throw thrown;
    } finally {
      span.end();
    }
    counters.overrideEnded('released');
    logger.info(
      { override_id: override.claim_id, pool_id: override.pool_id, traceparent: span.traceparent },
      'Scale override released: its alert has been over for long enough',
    );
  }

  async #forget(override: Override): Promise<void> {
    this.#extendedAtMs.delete(override.claim_id);
    await this.#parts.database.transaction(async (tx) => {
      await tx.db.deleteFrom('watchdog_claims').where('claim_id', '=', override.claim_id).execute();
    });
  }
}

function overrideKey({ policy, pool_id: poolId }: Override): string {
  return keyOf({ policy, poolId });
}
