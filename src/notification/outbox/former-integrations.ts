import { createHash } from 'node:crypto';
import type { RunningIntegration } from './running-integration.ts';

/** So many integrations that reloads have taken away are remembered; of more the one that went first is forgotten. */
export const maxFormerIntegrations = 1_000;

type Addressed = Pick<RunningIntegration, 'key' | 'integration' | 'settings'>;

/**
 * Integrations that reloads of this run have taken away, and which one reaches the same address in the place of each: a receiver that
 * goes by another name now, or that of another person with the same settings.
 */
export class FormerIntegrations {
  /** By key: a hash of what it was made of. */
  readonly #addresses = new Map<string, string>();
  #successors: ReadonlyMap<string, RunningIntegration> = new Map();

  /** Other integrations are in force. */
  replace(before: readonly Addressed[], now: readonly RunningIntegration[]): void {
    for (const running of before) {
      const address = addressOf(running);
      if (address !== null) this.#addresses.set(running.key, address);
    }
    for (const { key } of now) this.#addresses.delete(key);
    for (const [oldest] of this.#addresses) {
      if (this.#addresses.size <= maxFormerIntegrations) break;
      this.#addresses.delete(oldest);
    }
    const byAddress = new Map(now.map((running) => [addressOf(running), running]));
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
}

/** The same for what is of one type and made of the same settings, and holds none of their secrets; null for the log, which has no settings. */
function addressOf({ integration: { type }, settings }: Addressed): string | null {
  if (settings === null || settings === undefined) return null;
  return createHash('sha256')
    .update(`${type}\n${JSON.stringify(settings)}`)
    .digest('base64');
}
