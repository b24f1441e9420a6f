import { formatElapsed } from './age.ts';

/** As far as it matters when it fires. */
interface ToldPending {
  readonly active_at: string;
  readonly fires_at: string | null;
}

/** `pending for 40s; fires in 20s if it goes on` */
export function describePending({ active_at: since, fires_at: firesAt }: ToldPending, nowMs: number): string {
  const pending = `pending for ${formatElapsed(Date.parse(since), nowMs)}`;
  if (firesAt === null) return pending;
  const firesMs = Date.parse(firesAt);
  // What is over is looked at again within a moment: the server's word of it is a little old.
  const when = firesMs - nowMs < 1_000 ? 'now' : `in ${formatElapsed(nowMs, firesMs)}`;
  return `${pending}; fires ${when} if it goes on`;
}
