import { toRfc3339, type Labels } from '#telemetry';
import type { Silence } from '../silences/silence.ts';
import type { MuteStage } from './mute-stage.ts';

/** Finds the silences of a label set. */
export interface SilenceLookUp {
  readonly silencesOf: (labels: Labels, wallMs: number) => readonly Silence[];
  /** Does so ahead, with pauses, for the same object. */
  readonly lookUp: (labels: Labels) => Generator<void, unknown>;
}

export function silenceStage({ silencesOf, lookUp }: SilenceLookUp): MuteStage {
  return {
    lookAhead: ({ labels }) => lookUp(labels),
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
