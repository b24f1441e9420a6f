import { addressOf } from '../receivers/receiver-address.ts';
import type { RunningIntegration } from './running-integration.ts';

/** So many integrations that reloads have taken away are remembered; of more the one that went first is forgotten. */
export const maxFormerIntegrations = 1_000;

type Addressed = Pick<RunningIntegration, 'key' | 'integration' | 'settings'>;

/** An integration, and a digest of the address that it reaches. */
export interface KnownAddress {
  readonly key: string;
  readonly address: string;
}

/**
 * Integrations that reloads and starts have taken away, and which one reaches the same address in the place of each: a receiver that
 * goes by another name now, or another one to the same people.
 */
export class FormerIntegrations {
  readonly #addresses = new Map<string, string>();
  #successors: ReadonlyMap<string, RunningIntegration> = new Map();

  /** Other integrations are in force. @param before those that were, the ones that are no more for longest first */
  replace(before: readonly KnownAddress[], now: readonly RunningIntegration[]): void {
    for (const { key, address } of before) this.#addresses.set(key, address);
    for (const { key } of now) this.#addresses.delete(key);
    for (const [oldest] of this.#addresses) {
      if (this.#addresses.size <= maxFormerIntegrations) break;
      this.#addresses.delete(oldest);
    }
    // Of several who reach it the last one that tells of ends, since these are what it is looked for.
    const tellingEndsLast = now.toSorted((a, b) => Number(tellsEnds(a)) - Number(tellsEnds(b)));
    const byAddress = new Map(tellingEndsLast.map((running) => [addressFrom(running), running]));
    this.#successors = new Map(
      [...this.#addresses].flatMap(([key, address]) => {
        const successor = byAddress.get(address);
        return successor ? [[key, successor] as const] : [];
      }),
    );
  }

  /** The one that reaches the address of one that is in force no more; null where none does. */
  successorOf(key: string): RunningIntegration | null {
    return this.#successors.get(key) ?? null;
  }

  /** Those that are remembered. */
  addresses(): readonly KnownAddress[] {
    return [...this.#addresses].map(([key, address]) => ({ key, address }));
  }
}

/** Without those that have none. */
export function addressesOf(integrations: readonly Addressed[]): readonly KnownAddress[] {
  return integrations.flatMap((one) => {
    const address = addressFrom(one);
    return address === null ? [] : [{ key: one.key, address }];
  });
}

function addressFrom({ integration: { type }, settings }: Addressed): string | null {
  return addressOf(type, settings);
}

function tellsEnds({ integration: { sendResolved } }: Addressed): boolean {
  return sendResolved;
}
