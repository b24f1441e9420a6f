import type { Alerting } from '#alerting';
import { formatElapsed, type Clock } from '#telemetry';

/** However short the intervals of rules are, this long a pause is none yet. */
const minPauseMs = 60_000;
/** A group that missed two of its intervals may be slow; at three it has stopped. */
const maxMissedIntervals = 3;

/** That no rule is evaluated any more, in half a sentence; null while some are, or none is loaded. */
export async function rulesHaveStopped(
  { overview }: Pick<Alerting, 'overview'>,
  clock: Pick<Clock, 'wallMs'>,
): Promise<string | null> {
  const groups = (await overview()).filter(({ rules }) => rules.length > 0);
  if (groups.length === 0) return null;
  const shortestMs = Math.min(...groups.map(({ intervalMs }) => intervalMs));
  const times = groups.flatMap(({ rules }) =>
    rules.map(({ statistics }) => statistics.lastEvaluationMs ?? -1),
  );
  const newestMs = times.reduce((newest, timeMs) => Math.max(newest, timeMs), -1);
  // Of a start that has just been made; what never begins shows in the heartbeat's first minutes as well.
  if (newestMs < 0) return 'no rule has been evaluated yet';
  const pauseMs = clock.wallMs() - newestMs;
  return pauseMs > Math.max(minPauseMs, shortestMs * maxMissedIntervals)
    ? `no rule was evaluated for ${formatElapsed(pauseMs)}`
    : null;
}
