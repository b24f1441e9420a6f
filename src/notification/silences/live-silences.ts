import type { Labels } from '#telemetry';
import { MatcherIndex } from '../configuration/matchers/index.ts';
import { type Silence, silenceStateAt, warningDueMs } from './silence.ts';

/** What is due at a moment. */
export interface DueSilences {
  /** Their time is over. */
  readonly ended: readonly Silence[];
  /** Their end is to be told of. */
  readonly ending: readonly Silence[];
  /** Their time has begun since the moment before. */
  readonly begun: readonly Silence[];
}

interface Found {
  readonly version: number;
  readonly ids: readonly string[];
}

const NONE: readonly Silence[] = [];

/** The silences that have not ended, found by the label sets that they are for. */
export class LiveSilences {
  readonly #silences = new Map<string, Silence>();
  readonly #index = new MatcherIndex<string>();
  /** Grows with each silence that comes, or is for other label sets. */
  #version = 0;
  /** What a label set was last looked up to be silenced by: it goes with the label set. */
  readonly #found = new WeakMap<Labels, Found>();

  get size(): number {
    return this.#silences.size;
  }

  /** Matcher sets that cost something with every label set. */
  get unvalued(): number {
    return this.#index.unvalued;
  }

  get(id: string): Silence | null {
    return this.#silences.get(id) ?? null;
  }

  all(): IterableIterator<Silence> {
    return this.#silences.values();
  }

  put(silence: Silence): void {
    const before = this.#silences.get(silence.id);
    this.#silences.set(silence.id, silence);
    if (before?.matcherSets === silence.matcherSets) return;
    this.#index.delete(silence.id);
    for (const matchers of silence.matcherSets) this.#index.add(silence.id, matchers);
    this.#version++;
  }

  delete(id: string): void {
    if (this.#silences.delete(id)) this.#index.delete(id);
  }

  /** Those in force for a label set, in no order. Asked again with the same object it costs next to nothing. */
  of(labels: Labels, wallMs: number): readonly Silence[] {
    let found = this.#found.get(labels);
    if (found?.version !== this.#version) {
      found = { version: this.#version, ids: this.#index.find(labels) };
      this.#found.set(labels, found);
    }
    if (found.ids.length === 0) return NONE;
    return found.ids.flatMap((id) => {
      const silence = this.#silences.get(id);
      return silence && silenceStateAt(silence, wallMs) === 'active' ? [silence] : [];
    });
  }

  /** What has become due by `nowMs`, of what begins since `sinceMs`. */
  due(nowMs: number, sinceMs: number): DueSilences {
    const ended: Silence[] = [];
    const ending: Silence[] = [];
    const begun: Silence[] = [];
    for (const silence of this.#silences.values()) {
      const state = silenceStateAt(silence, nowMs);
      if (state === 'expired') ended.push(silence);
      if (state !== 'active') continue;
      if ((warningDueMs(silence) ?? Infinity) <= nowMs) ending.push(silence);
      if (silence.startsAtMs > sinceMs) begun.push(silence);
    }
    return { ended, ending, begun };
  }

  /** The next wall ms at which one begins or ends; null where none does. */
  nextChangeMs(wallMs: number): number | null {
    let next = Infinity;
    for (const silence of this.#silences.values()) {
      const changeMs = changeOf(silence, wallMs);
      // One that has ended may wait for that to be recorded.
      if (changeMs > wallMs) next = Math.min(next, changeMs);
    }
    return next === Infinity ? null : next;
  }

  /** The next wall ms at which something is to be done: one begins, ends, or is to be told of. */
  nextDueMs(wallMs: number): number {
    let next = Infinity;
    for (const silence of this.#silences.values()) next = Math.min(next, dueOf(silence, wallMs));
    return next;
  }
}

function changeOf({ startsAtMs, endsAtMs }: Silence, wallMs: number): number {
  return wallMs < startsAtMs ? startsAtMs : endsAtMs;
}

/** When something is next to be done about it. */
export function dueOf(silence: Silence, wallMs: number): number {
  const change = changeOf(silence, wallMs);
  return wallMs < silence.startsAtMs ? change : Math.min(change, warningDueMs(silence) ?? Infinity);
}
