/** When an alert fired; times in ms. */
export interface Fired {
  readonly fromMs: number;
  /** Null while it fires. */
  readonly toMs: number | null;
}

/** A stretch of time in which as many alerts fired; both ends as shares of the whole span, from 0 to 1. */
export interface StripBlock {
  readonly from: number;
  readonly to: number;
  /** How many at most at once, in this stretch. */
  readonly count: number;
}

/** As many as can be told apart on a wide screen. */
const bucketsOfStrip = 240;

/**
 * What fired over a span of time, as blocks that a strip shows side by side: neighbours of the same number are one. An episode that
 * is shorter than a place of the strip fills that place.
 */
export function stripOf(
  episodes: readonly Fired[],
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
): readonly StripBlock[] {
  const spanMs = toMs - fromMs;
  if (spanMs <= 0) return [];
  const changes = new Int32Array(bucketsOfStrip + 1);
  const placeOf = (ms: number): number => Math.floor(((ms - fromMs) / spanMs) * bucketsOfStrip);
  for (const { fromMs: firedMs, toMs: endedMs } of episodes) {
    const first = Math.max(0, placeOf(firedMs));
    const last = Math.min(bucketsOfStrip - 1, placeOf(endedMs ?? toMs));
    if (last < 0 || first >= bucketsOfStrip || last < first) continue;
    changes[first] = (changes[first] ?? 0) + 1;
    changes[last + 1] = (changes[last + 1] ?? 0) - 1;
  }
  return blocksOf(changes);
}

function blocksOf(changes: Int32Array): readonly StripBlock[] {
  const blocks: StripBlock[] = [];
  let count = 0;
  for (let place = 0; place < bucketsOfStrip; place++) {
    count += changes[place] ?? 0;
    if (count === 0) continue;
    const before = blocks.at(-1);
    const from = place / bucketsOfStrip;
    const to = (place + 1) / bucketsOfStrip;
    if (before && before.count === count && Math.abs(before.to - from) < 1e-9)
      blocks[blocks.length - 1] = { ...before, to };
    else blocks.push({ from, to, count });
  }
  return blocks;
}

/** How long any of them fired within the span, in ms. */
export function firedFor(
  episodes: readonly Fired[],
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
): number {
  const spans = episodes
    .map((one) => [Math.max(fromMs, one.fromMs), Math.min(toMs, one.toMs ?? toMs)] as const)
    .filter(([from, to]) => to > from)
    .sort(([a], [b]) => a - b);
  let totalMs = 0;
  let reachedMs = fromMs;
  for (const [from, to] of spans) {
    if (to <= reachedMs) continue;
    totalMs += to - Math.max(from, reachedMs);
    reachedMs = to;
  }
  return totalMs;
}
