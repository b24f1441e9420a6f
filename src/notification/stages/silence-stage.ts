import { toRfc3339, type Labels } from '#telemetry';
import type { Silence } from '../silences/silence.ts';
import type { MuteStage } from './mute-stage.ts';

export function silenceStage(silencesOf: (labels: Labels, wallMs: number) => readonly Silence[]): MuteStage {
  return {
    judge({ labels }, _route, nowMs) {
      const silences = silencesOf(labels, nowMs);
      const last = silences.toSorted((a, b) => b.endsAtMs - a.endsAtMs)[0];
      if (!last) return null;
      const others = silences.length > 1 ? `, and by ${silences.length - 1} more` : '';
      const until = toRfc3339(last.endsAtMs);
      return {
        stage: 'silence',
        reason: `silenced until ${until} by ${last.createdBy}: ${last.comment} (${last.id})${others}`,
      };
    },
  };
}
