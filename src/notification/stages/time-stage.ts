import type { TimeIntervals } from '../routing/time-intervals.ts';
import type { MuteStage } from './mute-stage.ts';

/** Routes that speak at certain times only, or not at certain times. */
export function timeStage(intervals: TimeIntervals): MuteStage {
  return {
    judge(_alert, route, nowMs) {
      const silent = intervals.silentBy(route, nowMs);
      if (!silent) return null;
      const names = silent.names.join(', ');
      return silent.because === 'inactive'
        ? { stage: 'active_time', reason: `its route speaks within ${names} only` }
        : { stage: 'mute_time', reason: `its route is muted within ${names}` };
    },
  };
}
