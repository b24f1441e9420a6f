import { formatDuration, formatElapsed } from './age.ts';

/** One life of an agent, as far as it matters when it was and what it put out last. */
export interface KnownGeneration {
  readonly generation: number;
  readonly opened_at: string;
  readonly ended_at: string | null;
  readonly exit_code: number | null;
  readonly exit_signal: string | null;
  readonly last_output: string | null;
}

/** `ended with SIGKILL`; null for one that has not ended. */
export function describeEnd({
  ended_at: at,
  exit_code: code,
  exit_signal: signal,
}: KnownGeneration): string | null {
  if (at === null) return null;
  return `ended with ${signal ?? code ?? 'unknown'}`;
}

/** The newest that has ended and left output behind. */
export function lastWithOutput<Generation extends KnownGeneration>(
  generations: readonly Generation[],
): Generation | null {
  const left = generations.filter(({ ended_at: at, last_output: text }) => at !== null && hasText(text));
  return left.toSorted((a, b) => b.generation - a.generation)[0] ?? null;
}

/** The one that was there at a time: the newest that had been opened by then; null where it is not remembered. */
export function generationAt<Generation extends KnownGeneration>(
  generations: readonly Generation[],
  at: string,
): Generation | null {
  const there = generations.filter(({ opened_at: openedAt }) => Date.parse(openedAt) <= Date.parse(at));
  return there.toSorted((a, b) => b.generation - a.generation)[0] ?? null;
}

/** How long one is there, or was, and how it ended. @param newest the generation that its agent has now */
export function describeLife(
  life: KnownGeneration,
  { newest, nowMs }: { readonly newest: number; readonly nowMs: number },
): string {
  const { generation, opened_at: openedAt, ended_at: endedAt } = life;
  const openedMs = Date.parse(openedAt);
  if (endedAt !== null)
    return `lived ${formatDuration(Date.parse(endedAt) - openedMs)}, ${describeEnd(life)}`;
  const age = formatElapsed(openedMs, nowMs);
  return generation < newest ? `replaced, its end not seen yet; started ${age} ago` : `for ${age}`;
}

function hasText(text: string | null): boolean {
  return text !== null && text.trim() !== '';
}
