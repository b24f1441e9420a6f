import type { StateDatabase, StateTables } from '#storage';
import { messageOf, type Clock, type Logger, type Timer, type Tracing } from '#telemetry';
import type { Selectable } from 'kysely';
import type { StepOf } from '../policies/policy.ts';
import type { AlertBook, FleetActuator } from '../ports.ts';
import type { Remediation } from '../remediations/remediation.ts';

export interface ScaleClaimsParts {
  readonly database: StateDatabase;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly tracing: Tracing;
  readonly fleet: FleetActuator;
  readonly alerts: AlertBook;
}

type Claim = Selectable<StateTables['watchdog_claims']>;

/** A claim is extended after this share of its life. */
const EXTENSIONS_PER_TTL = 3;
const MAX_UPKEEP_PERIOD_MS = 10_000;
const MIN_UPKEEP_PERIOD_MS = 250;

/**
 * The scale claims that the watchdog holds: extended while their alert fires, taken back once it has been resolved
 * for a while. A watchdog that is gone extends nothing, and the claims end by themselves.
 */
export class ScaleClaims {
  readonly #parts: ScaleClaimsParts;
  #timer: Timer | null = null;
  #upkeep: Promise<void> = Promise.resolve();

  constructor(parts: ScaleClaimsParts) {
    this.#parts = parts;
  }

  /** Raises a claim, or raises it again. */
  async raise(
    step: StepOf<'scale'>,
    claim: {
      readonly claimId: string;
      readonly remediation: Remediation;
      readonly reason: string;
      readonly traceparent: string | null;
    },
  ): Promise<void> {
    const { claimId, remediation, reason, traceparent } = claim;
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
    const order = {
      poolId: remediation.target_id,
      claimId,
      add: step.add,
      ttlMs: step.ttl,
      reason,
      traceparent,
    };
    await this.#parts.fleet.claimScale(order);
    this.#schedule(step.ttl);
  }

  /** Takes the upkeep up again after a start. */
  async start(): Promise<void> {
    await this.#maintain();
  }

  async stop(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = null;
    await this.#upkeep;
  }

  /** An alert has been raised or resolved: claims may have to go, or to stay after all. */
  wake(): void {
    this.#upkeep = this.#upkeep.then(() => this.#maintain());
  }

  #schedule(delayMs: number): void {
    this.#timer?.cancel();
    const boundedMs = Math.min(
      Math.max(delayMs / EXTENSIONS_PER_TTL, MIN_UPKEEP_PERIOD_MS),
      MAX_UPKEEP_PERIOD_MS,
    );
    this.#timer = this.#parts.clock.after(boundedMs, () => this.wake());
  }

  async #maintain(): Promise<void> {
    const { database, clock, logger } = this.#parts;
    try {
      const claims = await database.reader.selectFrom('watchdog_claims').selectAll().execute();
      if (claims.length === 0) return;
      const firing = await this.#firingKeys();
      for (const claim of claims) await this.#maintainOne(claim, firing.has(keyOf(claim)));
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
    const firing = await alerts.firing();
    if (firing.length === 0) return new Set();
    const rows = await database.reader
      .selectFrom('remediations')
      .select(['policy', 'target_id'])
      .where('target_kind', '=', 'pool')
      .where(
        'alert_id',
        'in',
        firing.map((alert) => alert.alertId),
      )
      .execute();
    return new Set(rows.map((row) => keyOf({ policy: row.policy, pool_id: row.target_id })));
  }

  async #maintainOne(claim: Claim, firing: boolean): Promise<void> {
    const { fleet, clock } = this.#parts;
    const nowMs = clock.wallMs();
    if (!firing && claim.release_at_ms !== null && claim.release_at_ms <= nowMs) {
      await this.#release(claim);
      return;
    }
    await fleet.extendScale(claim.claim_id, claim.ttl_ms);
    const releaseAtMs = firing ? null : (claim.release_at_ms ?? nowMs + claim.release_after_ms);
    if (releaseAtMs === claim.release_at_ms) return;
    await this.#parts.database.transaction(async (tx) => {
      await tx.db
        .updateTable('watchdog_claims')
        .set({ release_at_ms: releaseAtMs })
        .where('claim_id', '=', claim.claim_id)
        .execute();
    });
  }

  /** The fleet first: a crash in between takes the claim back once more, which is harmless. */
  async #release(claim: Claim): Promise<void> {
    const { fleet, tracing, database, logger } = this.#parts;
    const span = tracing.startSpan('watchdog.release', {
      parent: claim.traceparent,
      attributes: { 'omoi.pool.id': claim.pool_id, 'omoi.claim.id': claim.claim_id },
    });
    await fleet.releaseScale(claim.claim_id, span.traceparent);
    await database.transaction(async (tx) => {
      await tx.db.deleteFrom('watchdog_claims').where('claim_id', '=', claim.claim_id).execute();
    });
    span.end();
    logger.info(
      { claim_id: claim.claim_id, pool_id: claim.pool_id, traceparent: span.traceparent },
      'Took a scale claim back',
    );
  }
}

function keyOf(claim: { readonly policy: string; readonly pool_id: string }): string {
  return `${claim.policy}\n${claim.pool_id}`;
}
