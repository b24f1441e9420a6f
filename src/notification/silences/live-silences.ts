import { type Labels, labelValue, type Matcher, regexSizeOfMatcher, unpaced } from '#telemetry';
import { asksForValue, isCompiled, isStillToCompile, MatcherIndex } from '../configuration/matchers/index.ts';
import { compiling, coversLabels, type Silence, silenceStateAt, warningDueMs } from './silence.ts';

/** What is due at a moment. */
export interface DueSilences {
  /** Their time is over. */
  readonly ended: readonly Silence[];
  /** Their end is to be told of. */
  readonly ending: readonly Silence[];
  /** Their time has begun since the moment before. */
  readonly begun: readonly Silence[];
}

/** The silences of a label set, as they were at a version. */
interface Found {
  readonly version: number;
  readonly ids: readonly string[];
}

/** So many of the last changes are kept: who has looked before is held against what has come since, and not against all. */
export const maxFollowedChanges = 1_000;

const NONE: readonly Silence[] = [];

/** The silences that have not ended, found by the label sets that they are for. */
export class LiveSilences {
  readonly #silences = new Map<string, Silence>();
  readonly #index = new MatcherIndex<string>();
  /** Those whose expressions are not compiled yet, and that are not in the index. */
  readonly #unread = new Set<string>();
  readonly #onUnreadable: (silence: Silence, thrown: unknown) => void;
  #regexSize = 0;
  /** Grows with each silence that comes, or is for other label sets. */
  #version = 0;
  /** The ids of those of the last versions, the newest last. */
  readonly #changes: string[] = [];
  /** What a label set was last looked up to be silenced by: it goes with the label set. */
  readonly #found = new WeakMap<Labels, Found>();

  /** @param onUnreadable one was put unread, and its matchers cannot be compiled: it is no more */
  constructor(onUnreadable: (silence: Silence, thrown: unknown) => void = () => undefined) {
    this.#onUnreadable = onUnreadable;
  }

  get size(): number {
    return this.#silences.size;
  }

  /** Matcher sets that cost something with every label set. */
  get unvalued(): number {
    let unvalued = this.#index.unvalued;
    for (const id of this.#unread) unvalued += unvaluedSetsOf(this.#silences.get(id));
    return unvalued;
  }

  /** Of their regular expressions together, as `maxRegexSize` counts them. */
  get regexSize(): number {
    return this.#regexSize;
  }

  /** As it was put: its matchers may not be compiled yet. */
  get(id: string): Silence | null {
    return this.#silences.get(id) ?? null;
  }

  all(): IterableIterator<Silence> {
    return this.#silences.values();
  }

  put(silence: Silence): void {
    const before = this.#silences.get(silence.id);
    this.#keep(silence);
    if (before?.matcherSets === silence.matcherSets) return;
    // It may go on with the matchers of one that is unread.
    if (silence.matcherSets.flat().some(isStillToCompile)) this.#leaveUnread(silence.id);
    else {
      this.#unread.delete(silence.id);
      this.#enter(silence);
    }
  }

  /** As `put`, for many: its matchers are compiled by `reading`, or with the first look at a label set that it may be for. */
  putUnread(silence: Silence): void {
    this.#keep(silence);
    if (silence.matcherSets.flat().some(isCompiled)) this.#leaveUnread(silence.id);
    else this.#enter(silence);
  }

  /** Compiles what is unread, with a pause offered after each expression. */
  *reading(): Generator<void, void> {
    for (const id of this.#unread) yield* this.#read(id);
  }

  #leaveUnread(id: string): void {
    this.#index.delete(id);
    this.#unread.add(id);
    this.#changed(id);
  }

  delete(id: string): void {
    this.#unread.delete(id);
    if (this.#drop(id)) this.#index.delete(id);
  }

  #keep(silence: Silence): void {
    const before = this.#silences.get(silence.id);
    this.#silences.set(silence.id, silence);
    if (before?.matcherSets === silence.matcherSets) return;
    this.#regexSize += regexSizeOfSilence(silence) - regexSizeOfSilence(before);
  }

  #drop(id: string): boolean {
    this.#regexSize -= regexSizeOfSilence(this.#silences.get(id));
    return this.#silences.delete(id);
  }

  /** Those in force for a label set, in no order. Asked again with the same object it costs next to nothing. */
  of(labels: Labels, wallMs: number): readonly Silence[] {
    const ids = this.#known(labels) ?? unpaced(this.lookUp(labels));
    if (ids.length === 0) return NONE;
    return ids.flatMap((id) => {
      const silence = this.#silences.get(id);
      return silence && silenceStateAt(silence, wallMs) === 'active' ? [silence] : [];
    });
  }

  /** Looks a label set up as `of` does, with a pause offered after each expression: to `of` it is known then. */
  *lookUp(labels: Labels): Generator<void, readonly string[]> {
    for (const id of this.#unread) {
      if (mayCover(this.#silences.get(id), labels)) yield* this.#read(id);
      yield;
    }
    const known = this.#known(labels);
    if (known) return known;
    // What comes meanwhile is newer than this.
    const version = this.#version;
    const ids = (yield* this.#follow(labels)) ?? (yield* this.#index.finding(labels));
    this.#found.set(labels, { version, ids });
    return ids;
  }

  #known(labels: Labels): readonly string[] | null {
    const found = this.#found.get(labels);
    return found?.version === this.#version ? found.ids : null;
  }

  /** From what was found before, and what has come since; null where all are looked at sooner. */
  *#follow(labels: Labels): Generator<void, readonly string[] | null> {
    const found = this.#found.get(labels);
    const since = found ? this.#version - found.version : Infinity;
    // To look at all is to look at those, at least, that ask for no value.
    if (!found || since > Math.min(maxFollowedChanges, this.#index.unvalued)) return null;
    const changed = new Set(this.#changes.slice(-since));
    const ids = found.ids.filter((id) => !changed.has(id));
    for (const id of changed) {
      // What is unread yet was seen not to be for it.
      const silence = this.#unread.has(id) ? null : this.#silences.get(id);
      if (silence && coversLabels(silence, labels)) ids.push(id);
      yield;
    }
    return ids;
  }

  /** Until it is not unread any more: it may be read by others, changed or deleted between two pieces. */
  *#read(id: string): Generator<void, void> {
    for (;;) {
      const begun = this.#silences.get(id);
      if (!begun || !this.#unread.has(id)) return;
      const problem = yield* problemOf(begun);
      const silence = this.#silences.get(id);
      if (silence?.matcherSets !== begun.matcherSets || !this.#unread.delete(id)) continue;
      if (problem) {
        this.#drop(id);
        this.#onUnreadable(silence, problem.thrown);
      } else this.#enter(silence);
    }
  }

  #enter({ id, matcherSets }: Silence): void {
    this.#index.delete(id);
    for (const matchers of matcherSets) this.#index.add(id, matchers);
    this.#changed(id);
  }

  #changed(id: string): void {
    this.#version++;
    this.#changes.push(id);
    if (this.#changes.length >= 2 * maxFollowedChanges) this.#changes.splice(0, maxFollowedChanges);
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

/** What keeps its matchers from being compiled; null where they are. */
function* problemOf(silence: Silence): Generator<void, { readonly thrown: unknown } | null> {
  try {
    yield* compiling(silence);
    return null;
  } catch (thrown) {
    return { thrown };
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

/** Whether it may be meant for a label set, as far as its plain matchers tell. */
function mayCover(silence: Pick<Silence, 'matcherSets'> | undefined, labels: Labels): boolean {
  const mayMatch = (matcher: Matcher): boolean =>
    isExpression(matcher) || matcher.matches(labelValue(labels, matcher.name));
  return silence?.matcherSets.some((matchers) => matchers.every(mayMatch)) ?? false;
}

function isExpression({ operator }: Matcher): boolean {
  return operator === '=~' || operator === '!~';
}

/** Of its regular expressions together, as `maxRegexSize` counts them. */
export function regexSizeOfSilence(silence: Pick<Silence, 'matcherSets'> | undefined): number {
  let size = 0;
  for (const { operator, value } of silence?.matcherSets.flat() ?? [])
    size += regexSizeOfMatcher(operator, value);
  return size;
}

/** How many of its matcher sets ask for no value of a label. */
export function unvaluedSetsOf(silence: Pick<Silence, 'matcherSets'> | undefined): number {
  return silence?.matcherSets.filter((matchers) => !asksForValue(matchers)).length ?? 0;
}
