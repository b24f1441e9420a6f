import { isDeepStrictEqual } from 'node:util';
import type { GaugePoint, Logger } from '#telemetry';
import { maxFailuresInARow, type Tried } from './delivery-queue.ts';
import type { Notification } from './outbox-rows.ts';
import type { RunningIntegration } from './running-integration.ts';

/** That an integration takes no messages. */
export interface Refusing {
  /** Wall ms of its first answer that was no. */
  readonly sinceMs: number;
  /** What it said last. */
  readonly answer: string;
}

interface DeliveryState {
  running: RunningIntegration;
  failures: number;
  /** Null while it takes what it is sent. */
  refusing: Refusing | null;
}

/**
 * Which integrations refuse what they are sent: from a message that one did not take for good, or that it did not answer eight times in a row,
 * to the next one that it takes. What the rule `ReceiverRefuses` fires on. One line in the log for each time.
 */
export class RefusingReceivers {
  readonly #logger: Logger;
  readonly #byKey = new Map<string, DeliveryState>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Those in force: another address, or another account, has refused nothing yet. */
  setIntegrations(integrations: readonly RunningIntegration[]): void {
    const before = new Map(this.#byKey);
    this.#byKey.clear();
    for (const running of integrations) {
      const known = before.get(running.key);
      const isSame = known !== undefined && isDeepStrictEqual(known.running.settings, running.settings);
      this.#byKey.set(running.key, isSame ? { ...known, running } : { running, failures: 0, refusing: null });
    }
  }

  tried({ integration }: Notification, { delivery, isFinal }: Tried, nowMs: number): void {
    const state = this.#byKey.get(integration);
    if (!state) return;
    if (delivery.outcome === 'delivered') {
      if (state.refusing) this.#logger.info({ integration }, 'Receiver takes messages again');
      state.failures = 0;
      state.refusing = null;
      return;
    }
    state.failures += 1;
    if (!isFinal && state.failures < maxFailuresInARow) return;
    const { reason: answer } = delivery;
    if (!state.refusing) {
      this.#logger.warn({ integration, answer }, 'Receiver refuses messages: nobody is told by it');
    }
    state.refusing = { sinceMs: state.refusing?.sinceMs ?? nowMs, answer };
  }

  of(key: string): Refusing | null {
    return this.#byKey.get(key)?.refusing ?? null;
  }

  /** One for each receiver of the configuration that has an integration. */
  points(): readonly GaugePoint[] {
    const refusing = new Map<string, number>();
    for (const { running, refusing: one } of this.#byKey.values()) {
      refusing.set(running.receiver, Math.max(refusing.get(running.receiver) ?? 0, one ? 1 : 0));
    }
    return [...refusing].map(([receiver, value]): GaugePoint => ({ labels: { receiver }, value }));
  }
}
