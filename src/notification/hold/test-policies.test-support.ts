import type { Subscription } from '#telemetry';

/** The modes of policies, as far as they do not act by themselves. */
export class TestPolicies {
  readonly #whyNot = new Map<string, string>();
  readonly #listeners = new Set<() => void>();

  /** A policy does not act by itself any more. */
  change(policy: string, whyNot: string): void {
    this.#whyNot.set(policy, whyNot);
    for (const listener of this.#listeners) listener();
  }

  whyNotActing(policy: string): string | null {
    return this.#whyNot.get(policy) ?? null;
  }

  onPoliciesChanged(listener: () => void): Subscription {
    this.#listeners.add(listener);
    return { stop: () => this.#listeners.delete(listener) };
  }
}
