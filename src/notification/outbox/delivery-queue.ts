import { isDeepStrictEqual } from 'node:util';
import { backoffMs, nextTurn, type BackoffLimits, type Clock, type Random, type Timer } from '#telemetry';
import type { Delivery, SendOptions } from '../receivers/integration.ts';
import type { Notification } from './outbox-rows.ts';
import type { RunningIntegration } from './running-integration.ts';

/** So many messages of one integration are on their way at once; one at a time while it does not answer. */
export const maxDeliveriesAtOnce = 8;
/**
 * So many answers of one integration may wait to be written down while further messages are sent: they share transactions. A
 * crash takes them, and their messages are sent again.
 */
export const maxUnrecordedDeliveries = 64;
const RETRY_BACKOFF: BackoffLimits = { firstMs: 1000, maxMs: 60_000 };
/** A receiver that asks for more patience than this is tried all the same. */
const maxRetryAfterMs = 15 * 60_000;
/** After so many tries in a row without an answer it is the receiver, not the message: one message at a time finds out. */
export const maxFailuresInARow = 8;

/** So many recipients are known to have a mail that others could not be given yet; further ones get it once more. */
export const maxRecipientsKept = 1_000;

/** What may not be begun is asked about again after so long. */
const askAgainMs = 60_000;
/** So many that may not be begun are passed over in one turn of the event loop. */
export const maxPassedOverAtOnce = 500;

/** A message that waits for its turn or is on its way. */
export interface Outstanding {
  readonly notification: Notification;
  attempts: number;
  nextAttemptAtMs: number;
  /** Where it might not be begun: when it is asked about again, wall ms. */
  askedAgainAtMs?: number;
  /** `replaced`: another one is about to take its place, so that it is not begun any more. */
  state: 'waiting' | 'sending' | 'replaced' | 'ended';
  /** Until when its receiver's rate limit holds it, wall ms; absent where it does not. */
  readonly heldUntilMs?: number;
  /** Of one that was over without being taken, and is tried again: how that was answered last. */
  readonly refusedWith?: string;
  /** Recipients that have it already, where others could not be given it yet. */
  takenBy?: readonly string[];
  /** Of a digest: the messages that it tells of in their place. They are on their way as long as it is. */
  readonly digestOf?: readonly Outstanding[];
}

/**
 * Keeps a message from being begun: another one is written in its place, or nothing is left to say. Asked as soon as that is decided:
 * its time may come while it is being written.
 * @returns whether that is so; not where it is on its way by now, or over
 */
export function withhold(outstanding: Outstanding | null): boolean {
  if (outstanding === null) return true;
  if (outstanding.state !== 'waiting' && outstanding.state !== 'replaced') return false;
  outstanding.state = 'replaced';
  return true;
}

/** How a try went. `final`: there will be no other. */
export interface Tried {
  readonly delivery: Delivery;
  readonly isFinal: boolean;
}

export interface DeliveryQueueParts {
  readonly clock: Clock;
  readonly random: Random;
  /** Sends one message. Never rejects. @param next those that wait for their turn, in their order */
  readonly send: (
    outstanding: Outstanding,
    integration: RunningIntegration,
    signal: SendOptions['signal'],
    next: Iterable<Outstanding>,
  ) => Promise<Delivery>;
  /** Whether what a message says still counts. Where it may not be begun it is asked about again, unless it is replaced before. */
  readonly mayBegin: (outstanding: Outstanding) => boolean;
  /** A try is over. Resolves when it is recorded. */
  readonly onTried: (outstanding: Outstanding, tried: Tried) => Promise<void>;
  /** A try has failed, and that is recorded: the message waits for the next one. */
  readonly onWaits: (outstanding: Outstanding) => void;
  /** Messages older than this are given up. */
  readonly maxAgeMs: number;
}

/**
 * The messages of one integration: in order, a few at once, tried again with backoff, or when the receiver says so. One that
 * hangs or refuses delays its own messages alone.
 */
export class DeliveryQueue {
  readonly #parts: DeliveryQueueParts;
  #integration: RunningIntegration;
  /** Messages whose turn has come: that were not tried yet, and that were. */
  readonly #fresh = new Set<Outstanding>();
  readonly #tried = new Set<Outstanding>();
  readonly #retries = new Map<Outstanding, Timer>();
  #running = new Set<AbortController>();
  /** On their way to an address that is its no more: they end as they end, and hold nothing up. */
  readonly #former = new Set<AbortController>();
  /** Answers that are not written down yet. */
  #unrecorded = 0;
  /** How many tries in a row had no answer. */
  #failures = 0;
  /** How many times in a row it was told, after a rest, that it still sends too much. */
  #limited = 0;
  /** Monotonic ms until which nothing is sent: the receiver limits the rate. */
  #restUntilMs = -Infinity;
  /** Monotonic ms until which nothing is tried again: the receiver does not answer. */
  #retryRestUntilMs = -Infinity;
  #rest: Timer | null = null;
  #isHeld = false;
  #isStopped = false;

  constructor(integration: RunningIntegration, parts: DeliveryQueueParts) {
    this.#integration = integration;
    this.#parts = parts;
  }

  /** As it is in force. */
  get integration(): RunningIntegration {
    return this.#integration;
  }

  get size(): number {
    const sending = this.#running.size + this.#former.size + this.#unrecorded;
    return this.#fresh.size + this.#tried.size + sending + this.#retries.size;
  }

  /** The same integration under a new configuration: what waits is sent by it. */
  replace(integration: RunningIntegration): void {
    const isOther = !isDeepStrictEqual(this.#integration.settings, integration.settings);
    this.#integration = integration;
    // What it asks for may stand in a file, which has changed.
    this.#failures = 0;
    this.#retryRestUntilMs = -Infinity;
    if (isOther) this.#startAnew();
    this.#pump();
  }

  /** It is another address, or another account: what the one before has asked for, or not answered, is none of its. */
  #startAnew(): void {
    this.#limited = 0;
    this.#restUntilMs = -Infinity;
    for (const controller of this.#running) this.#former.add(controller);
    this.#running = new Set();
    for (const [outstanding, timer] of this.#retries) {
      timer.cancel();
      this.#tried.add(outstanding);
    }
    this.#retries.clear();
  }

  /** Nothing is begun until `release`. */
  hold(): void {
    this.#isHeld = true;
  }

  release(): void {
    this.#isHeld = false;
    this.#pump();
  }

  push(outstanding: Outstanding): void {
    const inMs = outstanding.nextAttemptAtMs - this.#parts.clock.wallMs();
    // The wall clock may have been set back meanwhile.
    if (inMs > 0) this.#later(outstanding, Math.min(inMs, maxRetryAfterMs));
    else this.#enqueue(outstanding);
  }

  #enqueue(outstanding: Outstanding): void {
    (outstanding.attempts === 0 ? this.#fresh : this.#tried).add(outstanding);
    this.#pump();
  }

  /** It is not sent any more, if it is not on its way. */
  remove(outstanding: Outstanding): void {
    this.#fresh.delete(outstanding);
    this.#tried.delete(outstanding);
    this.#retries.get(outstanding)?.cancel();
    this.#retries.delete(outstanding);
  }

  stop(): void {
    this.#isStopped = true;
    for (const timer of this.#retries.values()) timer.cancel();
    this.#retries.clear();
    this.#rest?.cancel();
    for (const controller of [...this.#running, ...this.#former]) controller.abort();
    this.#fresh.clear();
    this.#tried.clear();
  }

  #later(outstanding: Outstanding, inMs: number): void {
    const timer = this.#parts.clock.after(inMs, () => {
      this.#retries.delete(outstanding);
      this.#enqueue(outstanding);
    });
    this.#retries.set(outstanding, timer);
  }

  #pump(): void {
    if (this.#isStopped || this.#isHeld) return;
    const nowMs = this.#parts.clock.monotonicMs();
    this.#wakeAt(Math.max(this.#restUntilMs, this.#retryRestUntilMs), nowMs);
    if (this.#restUntilMs > nowMs) return;
    const atOnce = this.#failures > 0 || this.#limited > 0 ? 1 : maxDeliveriesAtOnce;
    let passedOver = 0;
    while (this.#running.size < atOnce && this.#unrecorded < maxUnrecordedDeliveries) {
      if (passedOver === maxPassedOverAtOnce) {
        void nextTurn().then(() => this.#pump());
        return;
      }
      const [fresh] = this.#fresh;
      const [tried] = this.#retryRestUntilMs > nowMs ? [] : this.#tried;
      const next = tried ?? fresh;
      if (!next) return;
      this.#fresh.delete(next);
      this.#tried.delete(next);
      if (next.state !== 'waiting') continue;
      if (this.#parts.mayBegin(next)) void this.#try(next);
      else {
        this.#askAgain(next);
        passedOver++;
      }
    }
  }

  #askAgain(outstanding: Outstanding): void {
    outstanding.askedAgainAtMs = Math.floor(this.#parts.clock.wallMs() + askAgainMs);
    this.#later(outstanding, askAgainMs);
  }

  #wakeAt(untilMs: number, nowMs: number): void {
    this.#rest?.cancel();
    this.#rest = null;
    if (untilMs > nowMs) this.#rest = this.#parts.clock.after(untilMs - nowMs, () => this.#pump());
  }

  async #try(outstanding: Outstanding): Promise<void> {
    const { clock, send, onTried } = this.#parts;
    const controller = new AbortController();
    this.#running.add(controller);
    outstanding.state = 'sending';
    outstanding.attempts += 1;
    const { timeoutMs } = this.#integration.integration;
    const deadline = clock.after(timeoutMs, () => controller.abort());
    const delivery = await send(outstanding, this.#integration, controller.signal, this.#fresh);
    deadline.cancel();
    outstanding.takenBy = takenByAfter(outstanding, delivery);
    if (this.#isStopped && delivery.outcome === 'failed' && !isPartlyTaken(delivery)) return;
    const isFinal = this.#former.has(controller)
      ? this.#judgeFormer(outstanding, delivery)
      : this.#judge(outstanding, delivery);
    this.#running.delete(controller);
    this.#former.delete(controller);
    this.#unrecorded++;
    this.#pump();
    await onTried(outstanding, { delivery, isFinal });
    this.#unrecorded--;
    // Meanwhile it may have been given up.
    if (!isFinal && !this.#isStopped && outstanding.state === 'sending') {
      outstanding.state = 'waiting';
      this.push(outstanding);
      this.#parts.onWaits(outstanding);
    }
    this.#pump();
  }

  /** Of one to an address that is its no more: it says nothing of the one that is, which is tried at once. */
  #judgeFormer(outstanding: Outstanding, { outcome }: Delivery): boolean {
    outstanding.nextAttemptAtMs = Math.floor(this.#parts.clock.wallMs());
    return outcome === 'delivered';
  }

  /** Whether there will be no other try; else when the next one is. */
  #judge(outstanding: Outstanding, delivery: Delivery): boolean {
    const { clock, random, maxAgeMs } = this.#parts;
    if (delivery.outcome === 'delivered') {
      this.#failures = 0;
      this.#limited = 0;
      return true;
    }
    const isUnanswered = delivery.failure === 'timeout' || delivery.failure === 'connection';
    this.#failures = isUnanswered || delivery.failure === 'serverError' ? this.#failures + 1 : 0;
    if (this.#failures >= maxFailuresInARow) {
      const pauseMs = backoffMs(this.#failures - maxFailuresInARow + 1, RETRY_BACKOFF, random);
      this.#retryRestUntilMs = clock.monotonicMs() + pauseMs;
    }
    const nowMs = clock.wallMs();
    if (!delivery.retryable || nowMs - outstanding.notification.createdAtMs > maxAgeMs) return true;
    const askedMs = delivery.retryAfterMs === null ? 0 : Math.min(delivery.retryAfterMs, maxRetryAfterMs);
    if (delivery.failure === 'rateLimited') this.#restFor(askedMs);
    const pauseMs = Math.max(backoffMs(outstanding.attempts, RETRY_BACKOFF, random), askedMs);
    outstanding.nextAttemptAtMs = Math.floor(nowMs + pauseMs);
    return false;
  }

  /** Who limits the rate means all messages, not the one that was refused. @param askedMs 0 where it did not say for how long */
  #restFor(askedMs: number): void {
    const { clock, random } = this.#parts;
    const nowMs = clock.monotonicMs();
    // Those that were on their way together are limited together.
    if (this.#restUntilMs <= nowMs) this.#limited++;
    const restMs = Math.max(askedMs, backoffMs(this.#limited, RETRY_BACKOFF, random));
    this.#restUntilMs = Math.max(this.#restUntilMs, nowMs + restMs);
  }
}

/** Who has a message after a try of it that has failed. */
function takenByAfter({ takenBy = [] }: Pick<Outstanding, 'takenBy'>, delivery: Delivery): readonly string[] {
  if (delivery.outcome === 'delivered') return takenBy;
  return (delivery.takenBy ?? takenBy).slice(0, maxRecipientsKept);
}

/** Whether a receiver has taken a part of what it did not take as a whole. */
function isPartlyTaken({ isOpened, takenBy }: Extract<Delivery, { readonly outcome: 'failed' }>): boolean {
  return isOpened === true || takenBy !== undefined;
}
