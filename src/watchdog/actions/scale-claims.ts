import type { StateDatabase, StateTables } from '#storage';
import { messageOf, type Clock, type Logger, type Timer, type Tracing } from '#telemetry';
import type { Selectable } from 'kysely';
import type { StepOf } from '../policies/policy.ts';
import type { AlertReader, FleetActuator } from '../ports.ts';
import type { Remediation } from '../remediations/remediation.ts';
import type { WatchdogCounters } from '../watchdog-counters.ts';
import type { TimedCalls } from './timed-calls.ts';

export interface ScaleClaimsParts {
  readonly database: StateDatabase;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly tracing: Tracing;
  readonly fleet: FleetActuator;
  readonly alerts: AlertReader;
  readonly calls: TimedCalls;
  readonly counters: WatchdogCounters;
}

type Claim = Selectable<StateTables['watchdog_claims']>;
type ClaimRef = { readonly claimId: string; readonly remediation: Remediation };

/** A claim is extended after this share of its life. */
const EXTENSIONS_PER_TTL = 3;
const MAX_UPKEEP_PERIOD_MS = 10_000;
const MIN_UPKEEP_PERIOD_MS = 250;
/** So many alerts are asked about in one query. */
const MAX_ALERTS_PER_QUERY = 500;

/**
 * The scale claims that the watchdog holds: extended while their alert fires, taken back once it has been resolved
 * for a while. The fleet has a claim before it is written down here, and ends it by itself where nobody extends it:
 * a row whose claim the fleet does not know (it expired, its pool is gone) is dropped.
 */
export class ScaleClaims {
  readonly #parts: ScaleClaimsParts;
  #timer: Timer | null = null;
  #upkeep: Promise<void> = Promise.resolve();
  readonly #inHand = new Map<string, Promise<void>>();
  /** When each claim was last extended, monotonic ms; as many as there are claims. */
  readonly #extendedAtMs = new Map<string, number>();
  #isDue = false;
  #stopped = false;

  constructor(parts: ScaleClaimsParts) {
    this.#parts = parts;
  }

  /** Raises a claim, or raises it again. @throws what the fleet refuses */
  async raise(
    step: StepOf<'scale'>,
    claim: ClaimRef & { readonly reason: string; readonly traceparent: string | null },
  ): Promise<void> {
    const { claimId, remediation, reason, traceparent } = claim;
    await this.#parts.fleet.claimScale({
      poolId: remediation.target_id,
      claimId,
      add: step.add,
      ttlMs: step.ttl,
      reason,
      traceparent,
    });
    await this.#keep(step, claim);
  }

  /** Looks after a claim that an earlier attempt has raised; false where the fleet has no such claim. */
  async takeUp(step: StepOf<'scale'>, claim: ClaimRef): Promise<boolean> {
    const held = await this.#parts.fleet.extendScale(claim.claimId, step.ttl);
    if (held) await this.#keep(step, claim);
    return held;
  }

  /** Takes the upkeep up again after a start. */
  async start(): Promise<void> {
    this.wake();
    await this.#upkeep;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    await this.#upkeep;
    await Promise.all(this.#inHand.values());
  }

  /** An alert has been raised or resolved: claims may have to go, or to stay after all. */
  wake(): void {
    if (this.#isDue || this.#stopped) return;
    this.#isDue = true;
    this.#upkeep = this.#upkeep.then(() => this.#maintain());
  }

  async #keep(step: StepOf<'scale'>, { claimId, remediation }: ClaimRef): Promise<void> {
    await this.#parts.database.transaction(async (tx) => {
      await tx.db
        .insertInto('watchdog_claims')
        .values({
          claim_id: claimId,
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
    this.#extendedAtMs.set(claimId, this.#parts.clock.monotonicMs());
    this.#schedule(step.ttl);
  }

  #schedule(delayMs: number): void {
    this.#timer?.cancel();
    if (this.#stopped) return;
    const boundedMs = Math.min(
      Math.max(delayMs / EXTENSIONS_PER_TTL, MIN_UPKEEP_PERIOD_MS),
      MAX_UPKEEP_PERIOD_MS,
    );
    this.#timer = this.#parts.clock.after(boundedMs, () => this.wake());
  }

  async #maintain(): Promise<void> {
    const { database, clock, logger } = this.#parts;
    this.#isDue = false;
    if (this.#stopped) return;
    try {
      const claims = await database.reader.selectFrom('watchdog_claims').selectAll().execute();
      if (claims.length === 0) return;
      const firing = await this.#firingKeys();
      for (const claim of claims) this.#maintainSoon(claim, firing.has(keyOf(claim)));
      const nextMs = claims.map((claim) =>
        claim.release_at_ms === null
          ? claim.ttl_ms
          : Math.min(claim.ttl_ms, claim.release_at_ms - clock.wallMs()),
      );
      this.#schedule(Math.min(...nextMs));
    } catch (thrown) {
      logger.warn({ error: messageOf(thrown) }, 'The upkeep of scale claims failed and is tried again');
      this.#schedule(MIN_UPKEEP_PERIOD_MS);
    }
  }

  /** Which policy and pool has an alert that still fires: a claim is not taken back under it. */
  async #firingKeys(): Promise<ReadonlySet<string>> {
    const { database, alerts } = this.#parts;
    const alertIds = (await alerts.firing()).map((alert) => alert.alertId);
    const keys = new Set<string>();
    for (let at = 0; at < alertIds.length; at += MAX_ALERTS_PER_QUERY) {
      const rows = await database.reader
        .selectFrom('remediations')
        .select(['policy', 'target_id'])
        .where('target_kind', '=', 'pool')
        .where('alert_id', 'in', alertIds.slice(at, at + MAX_ALERTS_PER_QUERY))
        .execute();
      for (const row of rows) keys.add(keyOf({ policy: row.policy, pool_id: row.target_id }));
    }
    return keys;
  }

  /** Each for itself: one claim whose upkeep hangs does not hold up the others. */
  #maintainSoon(claim: Claim, firing: boolean): void {
    const id = claim.claim_id;
    if (this.#inHand.has(id)) return;
    this.#inHand.set(
      id,
      this.#maintainOne(claim, firing).finally(() => this.#inHand.delete(id)),
    );
  }

  /** Never throws. */
  async #maintainOne(claim: Claim, firing: boolean): Promise<void> {
    const { clock, logger } = this.#parts;
    try {
      const isOver = !firing && claim.release_at_ms !== null && claim.release_at_ms <= clock.wallMs();
      await (isOver ? this.#release(claim) : this.#extend(claim, firing));
    } catch (thrown) {
      logger.warn(
        { claim_id: claim.claim_id, pool_id: claim.pool_id, error: messageOf(thrown) },
        'The upkeep of a scale claim failed and is tried again',
      );
    }
  }

  async #extend(claim: Claim, firing: boolean): Promise<void> {
    const { fleet, clock, calls, database, counters, logger } = this.#parts;
    const isFresh = this.#isFresh(claim);
    const held = isFresh || (await calls.within(fleet.extendScale(claim.claim_id, claim.ttl_ms)));
    if (held && !isFresh) this.#extendedAtMs.set(claim.claim_id, clock.monotonicMs());
    if (!held) {
      await this.#forget(claim);
      counters.claimEnded('expired');
      logger.warn(
        { claim_id: claim.claim_id, pool_id: claim.pool_id },
        'A scale claim had expired, or its pool is gone',
      );
      return;
    }
    const releaseAtMs = firing ? null : (claim.release_at_ms ?? clock.wallMs() + claim.release_after_ms);
    if (releaseAtMs === claim.release_at_ms) return;
    await database.transaction(async (tx) => {
      await tx.db
        .updateTable('watchdog_claims')
        .set({ release_at_ms: releaseAtMs })
        .where('claim_id', '=', claim.claim_id)
        .execute();
    });
  }

  /** Alerts come and go oftener than claims need to be extended. */
  #isFresh(claim: Claim): boolean {
    const extendedAtMs = this.#extendedAtMs.get(claim.claim_id);
    if (extendedAtMs === undefined) return false;
    return this.#parts.clock.monotonicMs() - extendedAtMs < claim.ttl_ms / EXTENSIONS_PER_TTL / 2;
  }

  /** The fleet first: a crash in between takes the claim back once more, which is harmless. */
  async #release(claim: Claim): Promise<void> {
    const { fleet, tracing, calls, counters, logger } = this.#parts;
    const span = tracing.startSpan('watchdog.release', {
      parent: claim.traceparent,
      attributes: { 'omoi.pool.id': claim.pool_id, 'omoi.claim.id': claim.claim_id },
    });
    try {
      await calls.within(fleet.releaseScale(claim.claim_id, span.traceparent));
      await this.#forget(claim);
    } catch (thrown) {
      span.fail(messageOf(thrown));
      throw thrown;
    } finally {
      span.end();
    }
    counters.claimEnded('released');
    logger.info(
      { claim_id: claim.claim_id, pool_id: claim.pool_id, traceparent: span.traceparent },
      'Took a scale claim back',
    );
  }

  async #forget(claim: Claim): Promise<void> {
    this.#extendedAtMs.delete(claim.claim_id);
    await this.#parts.database.transaction(async (tx) => {
      await tx.db.deleteFrom('watchdog_claims').where('claim_id', '=', claim.claim_id).execute();
    });
  }
}

function keyOf(claim: { readonly policy: string; readonly pool_id: string }): string {
  return `${claim.policy}\n${claim.pool_id}`;
}
