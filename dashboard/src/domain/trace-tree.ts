/** A span as far as its place in the waterfall depends on it. */
export interface TraceSpan {
  readonly span_id: string;
  readonly parent_span_id: string | null;
  readonly name: string;
  readonly start_us: number;
  readonly duration_us: number;
}

/** One line of the waterfall. Offsets and widths are shares of the whole trace, 0 to 1. */
export interface WaterfallRow<Span extends TraceSpan> {
  readonly span: Span;
  readonly depth: number;
  readonly offset: number;
  readonly width: number;
  /** False where the parent has not been recorded, or not yet. */
  readonly hasParent: boolean;
}

export interface Waterfall<Span extends TraceSpan> {
  readonly rows: readonly WaterfallRow<Span>[];
  readonly startUs: number;
  readonly durationUs: number;
}

/**
 * A trace as a waterfall: parents before their children, siblings by their start. A span whose parent is missing
 * stands at the top, as does what is left of a cycle.
 */
export function layOutTrace<Span extends TraceSpan>(spans: readonly Span[]): Waterfall<Span> {
  const startUs = spans.reduce((least, span) => Math.min(least, span.start_us), Number.POSITIVE_INFINITY);
  const endUs = spans.reduce(
    (most, span) => Math.max(most, span.start_us + span.duration_us),
    Number.NEGATIVE_INFINITY,
  );
  if (spans.length === 0) return { rows: [], startUs: 0, durationUs: 0 };

  const durationUs = endUs - startUs;
  const share = (us: number): number => (durationUs === 0 ? 0 : us / durationUs);
  const known = new Set(spans.map((span) => span.span_id));
  const children = Map.groupBy(
    spans.toSorted((a, b) => a.start_us - b.start_us || b.duration_us - a.duration_us),
    (span) => (span.parent_span_id !== null && known.has(span.parent_span_id) ? span.parent_span_id : null),
  );
  const rows: WaterfallRow<Span>[] = [];
  const placed = new Set<string>();
  // The next one last. No recursion: a trace may be a chain of thousands.
  const waiting: { readonly span: Span; readonly depth: number }[] = [];
  const place = (root: Span): void => {
    waiting.push({ span: root, depth: 0 });
    for (let next = waiting.pop(); next; next = waiting.pop()) {
      const { span, depth } = next;
      if (placed.has(span.span_id)) continue;
      placed.add(span.span_id);
      rows.push({
        span,
        depth,
        offset: share(span.start_us - startUs),
        width: share(span.duration_us),
        hasParent: span.parent_span_id === null || known.has(span.parent_span_id),
      });
      const ofSpan = children.get(span.span_id) ?? [];
      for (const child of ofSpan.toReversed()) waiting.push({ span: child, depth: depth + 1 });
    }
  };
  for (const root of children.get(null) ?? []) place(root);
  for (const span of spans) place(span);
  return { rows, startUs, durationUs };
}

/** Round marks for the time axis: at most `maxMarks`, from 0 to the end, in ms. */
export function timeMarks(durationMs: number, maxMarks: number): readonly number[] {
  if (durationMs <= 0) return [0];
  const rough = durationMs / maxMarks;
  const magnitude = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * magnitude).find((size) => size >= rough) ?? rough;
  const marks: number[] = [];
  for (let place = 0; place * step <= durationMs; place++) marks.push(place * step);
  return marks;
}
