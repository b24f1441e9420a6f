import { inBatches, lockRows, type StateTransaction } from '#storage';
import { createId, messageOf, OmoiError, TurnQueue, type Counter } from '#telemetry';
import { agentGone, currentAgent } from '../agents/agent-refusals.ts';
import { hasEnded } from '../agents/agent-status.ts';
import { waitsRefused, type FleetParts } from '../fleet-parts.ts';
import { LeaseRegistry, type Holder, type Lease } from '../leases/lease-registry.ts';
import { LockCounts, type LockRoom } from './lock-counts.ts';
import { decideLock, type LockRow } from './lock-decision.ts';
import { lockHeld, lockLost, lockOverdue, unknownLock, type LockRequest } from './lock-request.ts';
import { deleteUnlocked, lockResource, locksDeciding, selectLocks, type LockQuery } from './lock-rows.ts';
import { LockWaits } from './lock-waits.ts';
import { LockWaitQueue, type LockAttempt } from './lock-wait-queue.ts';

const maxExpiriesPerTransaction = 100;
/** Waiters, of whatever resources, who are woken or told that they wait no longer in one turn of the event loop. */
const maxWaitersPerTurn = 100;

/**
 * Locks on named resources, shared or exclusive, until they are released or run out. Each has a fencing token that
 * grows with every lock of its resource: what the lock protects can refuse a late writer by it.
 */
export class LockRegistry {
  readonly #parts: FleetParts;
  readonly #leases: LeaseRegistry;
  readonly #counts: LockCounts;
  readonly #waits: LockWaits;
  readonly #waitsRefused: Counter;
  readonly #lines = new Map<string, LockWaitQueue<LockRow>>();
  readonly #turns = new TurnQueue(maxWaitersPerTurn);
  #waiting = 0;
  #expiring = false;

  constructor(parts: FleetParts) {
    this.#parts = parts;
    this.#leases = new LeaseRegistry(parts.clock, parts.stall);
    this.#counts = new LockCounts(parts.limits);
    this.#waits = new LockWaits(parts.limits.maxWaitingLocksPerAgent);
    this.#waitsRefused = waitsRefused(parts.metrics);
  }

  /** Builds the memory from the database; each lock gets its whole time again. */
  async start(): Promise<void> {
    const locks = await this.#parts.database.reader.selectFrom('locks').selectAll().execute();
    for (const lock of locks) {
      this.#hold(lock);
      this.#parts.activity.countLocks(lock.resource_type, lock.lock_mode, 1);
    }
  }

  /** Ends all waits. */
  stop(): void {
    const stopping = new OmoiError('shutting_down', 'The server is stopping; ask for the lock again.', {});
    for (const line of this.#lines.values()) line.stop(stopping);
  }

  /**
   * Locks a resource; one that the asker holds in this mode already is renewed.
   * @throws OmoiError `lock_held` naming the holder, `unknown_agent`, `unknown_generation`,
   *   `generation_superseded`, `agent_gone`, `lock_limit_reached`
   */
  async acquire(request: LockRequest): Promise<LockRow> {
    const { clock, limits } = this.#parts;
    this.#assertAlive(request);
    const key = lineKey(request);
    const line = this.#lines.get(key) ?? new LockWaitQueue<LockRow>(clock, this.#turns);
    this.#lines.set(key, line);
    const startedMs = clock.monotonicMs();
    const full = this.#waiting >= limits.maxWaitingLocks;
    const wait = full ? null : this.#waits.enter(request);
    if (wait === null) this.#waitsRefused.add(1, { what: 'lock' });
    this.#waiting++;
    const outcome = await line.join(() => this.#attempt(request, startedMs), {
      waitMs: wait === null ? 0 : request.waitMs,
      signal: request.signal,
      overdue: () => lockOverdue(request),
    });
    this.#waiting--;
    wait?.leave();
    if (line.length === 0 && this.#lines.get(key) === line) this.#lines.delete(key);
    if ('granted' in outcome) return outcome.granted;
    if (!full && wait === null && 'refused' in outcome) throw this.#waits.refusalOf(request, outcome.refused);
    throw 'refused' in outcome ? outcome.refused : outcome.failed;
  }

  /**
   * Gives a lock its whole time again; costs no commit.
   * @throws OmoiError `lock_lost`, `generation_superseded`, `unknown_generation`, `unknown_agent`
   */
  renew(lockId: string, holder: Holder): Lease {
    currentAgent(this.#parts.agentIndex, holder);
    const lease = this.#leases.get(lockId);
    if (!lease || !this.#leases.renew(lockId, holder)) throw lockLost(lockId);
    this.#parts.agentIndex.workSeen(holder);
    return lease;
  }

  /**
   * @throws OmoiError `lock_lost`, `generation_superseded`, `unknown_generation`, `unknown_agent`
   */
  async release(lockId: string, request: Holder & { readonly traceparent: string | null }): Promise<void> {
    currentAgent(this.#parts.agentIndex, request);
    const released = await this.#parts.database.transaction(async (tx) => {
      const lock = await tx.db
        .deleteFrom('locks')
        .where('lock_id', '=', lockId)
        .where('agent_id', '=', request.agentId)
        .where('generation', '=', request.generation)
        .where('generation', '=', (of) =>
          of.selectFrom('agents').select('agents.generation').where('agents.agent_id', '=', request.agentId),
        )
        .returningAll()
        .executeTakeFirst();
      if (lock) tx.afterCommit(() => this.#released([lock], request.traceparent));
      return lock;
    });
    if (!released) throw lockLost(lockId);
  }

  /** An operator takes a lock away from whoever holds it. @throws OmoiError `unknown_lock` */
  async break(lockId: string, traceparent: string | null): Promise<void> {
    await this.#parts.database.transaction(async (tx) => {
      const lock = await tx.db
        .deleteFrom('locks')
        .where('lock_id', '=', lockId)
        .returningAll()
        .executeTakeFirst();
      if (!lock) throw unknownLock(lockId);
      tx.afterCommit(() => this.#released([lock], traceparent));
    });
  }

  /** What ended generations of an agent held is free again; returns how many locks. */
  async releaseLocks(
    tx: StateTransaction,
    holder: { readonly agentId: string; readonly upToGeneration: number },
  ): Promise<number> {
    const locks = await tx.db
      .deleteFrom('locks')
      .where('lock_id', 'in', (of) =>
        of
          .selectFrom('locks')
          .select('lock_id')
          .where('agent_id', '=', holder.agentId)
          .where('generation', '<=', holder.upToGeneration)
          .orderBy('lock_id')
          .forUpdate(),
      )
      .returningAll()
      .execute();
    tx.afterCommit(() => this.#released(locks, null));
    return locks.length;
  }

  /** Frees what was held too long. To be called every tick. */
  async tick(): Promise<void> {
    if (this.#expiring) return;
    const expired = this.#leases.takeExpired(maxExpiriesPerTransaction);
    if (expired.length === 0) return;
    this.#expiring = true;
    try {
      await this.#parts.database.transaction(async (tx) => {
        const ids = expired.map((lease) => lease.id);
        await lockRows(tx, { table: 'locks', key: 'lock_id', ids });
        const locks = await tx.db.deleteFrom('locks').where('lock_id', 'in', ids).returningAll().execute();
        tx.afterCommit(() => {
          this.#released(locks, null);
          for (const id of ids) this.#leases.end(id);
        });
      });
    } catch (thrown) {
      for (const lease of expired) this.#leases.keep(lease);
      this.#parts.logger.error({ error: messageOf(thrown) }, 'Expired locks not freed; tried again.');
    } finally {
      this.#expiring = false;
    }
  }

  /** @throws OmoiError `unknown_lock` */
  async get(lockId: string): Promise<LockRow> {
    const lock = await this.#parts.database.reader
      .selectFrom('locks')
      .selectAll()
      .where('lock_id', '=', lockId)
      .executeTakeFirst();
    if (!lock) throw unknownLock(lockId);
    return this.#withLease(lock);
  }

  /** Locks that are held, by id (which is the order in which they were acquired). */
  async list(query: LockQuery): Promise<LockRow[]> {
    const rows = await selectLocks(this.#parts.database, query);
    return rows.map((lock) => this.#withLease(lock));
  }

  /**
   * Forgets resources that nobody has locked for long, in small transactions until `signal` aborts; returns how many.
   * Their tokens start from the time again.
   */
  deleteOld(signal: AbortSignal): Promise<number> {
    const { clock, database, limits } = this.#parts;
    return inBatches({ clock, signal }, () =>
      database.transaction((tx) => deleteUnlocked(tx, tx.nowMs - limits.lockResourceRetentionMs)),
    );
  }

  async #attempt(request: LockRequest, startedMs: number): Promise<LockAttempt<LockRow>> {
    const room = this.#counts.roomFor(request.agentId);
    try {
      this.#assertAlive(request);
      if (request.signal?.aborted) return { refused: lockOverdue(request) };
      const attempt = await this.#parts.database.transaction((tx) =>
        this.#lock(tx, request, { room, startedMs }),
      );
      if (!('acquired' in attempt)) return attempt;
      if (!request.signal?.aborted) return { granted: attempt.acquired };
      // Nobody would be told: others wait for it.
      await this.release(attempt.acquired.lock_id, request);
      return { refused: lockOverdue(request) };
    } catch (thrown) {
      return { failed: thrown };
    } finally {
      room.giveBack();
    }
  }

  async #lock(
    tx: StateTransaction,
    request: LockRequest,
    { room, startedMs }: { readonly room: LockRoom; readonly startedMs: number },
  ): Promise<LockAttempt<LockRow> | { readonly acquired: LockRow }> {
    const { clock, random, activity } = this.#parts;
    const lastToken = await lockResource(tx, request);
    const held = await locksDeciding(tx, request);
    const decision = decideLock(request, request.mode, held);
    if (decision.kind === 'refused') return { refused: lockHeld(request, decision.by) };
    if (decision.kind === 'held_by_asker') {
      this.#leases.renew(decision.lock.lock_id, request);
      return { granted: this.#withLease(decision.lock) };
    }
    room.reserve();
    const lock: LockRow = {
      lock_id: createId('lock', clock.wallMs(), random),
      resource_type: request.resourceType,
      resource_name: request.resourceName,
      lock_mode: request.mode,
      agent_id: request.agentId,
      generation: request.generation,
      fencing_token: lastToken + 1,
      ttl_ms: request.ttlMs,
      acquired_at_ms: tx.nowMs,
      expires_at_ms: tx.nowMs + request.ttlMs,
      traceparent: request.traceparent,
    };
    await tx.db
      .updateTable('lock_resources')
      .set({ last_token: lock.fencing_token, touched_at_ms: tx.nowMs })
      .where('resource_type', '=', request.resourceType)
      .where('resource_name', '=', request.resourceName)
      .execute();
    await tx.db.insertInto('locks').values(lock).execute();
    tx.afterCommit(() => {
      room.giveBack();
      this.#hold(lock);
      activity.countLocks(lock.resource_type, lock.lock_mode, 1);
      const { traceparent } = request;
      activity.tell({ kind: 'locks', traceparent });
      activity.tell({
        kind: 'lock_acquired',
        resourceType: lock.resource_type,
        lockMode: lock.lock_mode,
        waitSeconds: (clock.monotonicMs() - startedMs) / 1000,
        traceparent,
      });
    });
    return { acquired: lock };
  }

  #hold(lock: LockRow): void {
    this.#counts.add(lock.agent_id, 1);
    this.#leases.begin({
      id: lock.lock_id,
      agentId: lock.agent_id,
      generation: lock.generation,
      term: lock.fencing_token,
      lengthMs: lock.ttl_ms,
    });
  }

  #released(locks: readonly LockRow[], traceparent: string | null): void {
    const { activity } = this.#parts;
    if (locks.length === 0) return;
    for (const lock of locks) {
      this.#leases.end(lock.lock_id);
      this.#counts.add(lock.agent_id, -1);
      activity.countLocks(lock.resource_type, lock.lock_mode, -1);
    }
    activity.tell({ kind: 'locks', traceparent });
    for (const { resource_type: resourceType, resource_name: resourceName } of locks) {
      const key = lineKey({ resourceType, resourceName });
      if (this.#lines.has(key)) this.#turns.run(() => this.#lines.get(key)?.advance());
    }
  }

  #assertAlive(holder: Holder): void {
    const { status } = currentAgent(this.#parts.agentIndex, holder).row;
    if (hasEnded(status)) throw agentGone(holder.agentId, status);
  }

  /** A renewal is known to memory alone. */
  #withLease(lock: LockRow): LockRow {
    const lease = this.#leases.get(lock.lock_id);
    return lease ? { ...lock, expires_at_ms: Math.trunc(lease.untilMs) } : lock;
  }
}

function lineKey(resource: { readonly resourceType: string; readonly resourceName: string }): string {
  return `${resource.resourceType}\xFF${resource.resourceName}`;
}
