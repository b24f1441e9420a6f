/** How much lies behind the server when the incident begins, and how far the incident goes. */
export interface Size {
  readonly scale: number;
  readonly days: number;
  readonly remediations: number;
  readonly events: number;
  readonly spans: number;
  readonly churnedSeries: number;
  readonly rules: number;
}

const FULL = { remediations: 90_000, events: 500_000, spans: 5_000_000, churnedSeries: 2_000_000 } as const;

/** What the issue of a bench is called "full" is scale 1. Days and rules do not shrink: they cost little. */
export function sizeOf(scale: number): Size {
  const scaled = (count: number): number => Math.max(1, Math.round(count * scale));
  return {
    scale,
    days: 90,
    rules: 200,
    remediations: scaled(FULL.remediations),
    events: scaled(FULL.events),
    spans: scaled(FULL.spans),
    churnedSeries: scaled(FULL.churnedSeries),
  };
}
