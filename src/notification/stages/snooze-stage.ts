import { toRfc3339 } from '#telemetry';
import type { MuteStage } from './mute-stage.ts';

/** Of what a person has snoozed nobody is told that it fires. That it is over is told to whoever knew of it. */
export const snoozeStage: MuteStage = {
  judge({ endsAtMs, snoozedUntilMs }, _route, nowMs) {
    if (endsAtMs !== null || snoozedUntilMs === null || snoozedUntilMs <= nowMs) return null;
    return { stage: 'snooze', reason: `snoozed until ${toRfc3339(snoozedUntilMs)}` };
  },
};
