import type { RuleStateRow, SavedStateChange } from '../alerts/saved-state-rows.ts';
import { formatSampleValue } from '../sample-value.ts';
import type { Instance } from './instance.ts';

/**
 * Which label sets of one rule are on disk beside its firing episodes (pending, kept firing, dismissed), and what of
 * that is yet to be written. What has not changed is never written again.
 */
export class SavedStates {
  readonly #ruleKey: string;
  readonly #onDisk = new Set<string>();
  readonly #changed = new Map<string, Instance | null>();

  constructor(ruleKey: string) {
    this.#ruleKey = ruleKey;
  }

  /** Whether the rule has rows on disk. */
  get isEmpty(): boolean {
    return this.#onDisk.size === 0;
  }

  get isChanged(): boolean {
    return this.#changed.size > 0;
  }

  /** Takes note of what lies on disk at the start. */
  found(fingerprint: string): void {
    this.#onDisk.add(fingerprint);
  }

  /** @param instance what is to be remembered; null: nothing */
  note(fingerprint: string, instance: Instance | null): void {
    if (instance === null && !this.#onDisk.has(fingerprint)) this.#changed.delete(fingerprint);
    else this.#changed.set(fingerprint, instance);
  }

  /** The oldest changes that wait, so many at most. Call `written` when they are on disk. */
  next(limit: number, nowMs: number): SavedStateChange {
    const put: RuleStateRow[] = [];
    const remove: string[] = [];
    for (const [fingerprint, instance] of this.#changed) {
      if (put.length + remove.length === limit) break;
      const row = instance && this.#rowOf(instance, nowMs);
      if (row) put.push(row);
      else remove.push(fingerprint);
    }
    return { ruleKey: this.#ruleKey, put, remove };
  }

  /** The removal of the rows of those label sets, as far as there are some. */
  removalOf(fingerprints: readonly string[]): SavedStateChange {
    const remove = fingerprints.filter((fingerprint) => this.#onDisk.has(fingerprint));
    return { ruleKey: this.#ruleKey, put: [], remove };
  }

  /** The removal of what lies on disk, so many rows at most. */
  removalOfAll(limit: number): SavedStateChange {
    return { ruleKey: this.#ruleKey, put: [], remove: [...this.#onDisk].slice(0, limit) };
  }

  /** A change that writes just this label set. */
  putting(instance: Instance, nowMs: number): SavedStateChange {
    const row = this.#rowOf(instance, nowMs);
    return { ruleKey: this.#ruleKey, put: row ? [row] : [], remove: [] };
  }

  /** The change is on disk, and nothing has changed meanwhile. */
  written(change: SavedStateChange): void {
    for (const { fingerprint } of change.put) {
      this.#onDisk.add(fingerprint);
      this.#changed.delete(fingerprint);
    }
    for (const fingerprint of change.remove) {
      this.#onDisk.delete(fingerprint);
      this.#changed.delete(fingerprint);
    }
  }

  /** It is unknown whether the change is on disk: it is written again, and what it put is removed as if it were there. */
  unanswered(change: SavedStateChange): void {
    for (const { fingerprint } of change.put) this.#onDisk.add(fingerprint);
  }

  /** Nothing of these label sets waits to be written any more. */
  drop(fingerprints: readonly string[]): void {
    for (const fingerprint of fingerprints) {
      if (this.#onDisk.has(fingerprint)) this.#changed.set(fingerprint, null);
      else this.#changed.delete(fingerprint);
    }
  }

  #rowOf(instance: Instance, nowMs: number): RuleStateRow | null {
    const { phase } = instance;
    if (phase.kind === 'firing') return null;
    return {
      rule_key: this.#ruleKey,
      fingerprint: instance.fingerprint,
      state: phase.kind,
      labels: JSON.stringify(instance.labels),
      source_labels: JSON.stringify(instance.sourceLabels),
      value: formatSampleValue(instance.value),
      active_at_ms: Math.floor(phase.activeAtMs),
      missed_since_ms: phase.kind === 'keep_firing' ? Math.floor(phase.missedSinceMs) : null,
      evaluated_at_ms: Math.floor(nowMs),
      traceparent: instance.cause.parent,
    };
  }
}
