const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
] as const;

/** A duration at a glance: its two largest units, `3d4h`, `12m5s`, `40s`. */
export function glanceOf(durationMs: number): string {
  let leftMs = Math.max(0, durationMs);
  for (const [at, [unit, unitMs]] of UNITS.entries()) {
    if (leftMs < unitMs) continue;
    const count = Math.floor(leftMs / unitMs);
    leftMs -= count * unitMs;
    const [below, belowMs] = UNITS[at + 1] ?? ['', Infinity];
    const rest = Math.floor(leftMs / belowMs);
    return rest > 0 ? `${count}${unit}${rest}${below}` : `${count}${unit}`;
  }
  return '0s';
}

/** How long ago a time of the server's was; `-` for one that has not come. */
export function ageOf(at: string | null | undefined, nowMs: number = Date.now()): string {
  return at === null || at === undefined ? '-' : glanceOf(nowMs - Date.parse(at));
}
