import type { Silence, SilenceState } from '#notification';
import { type Matcher, toRfc3339 } from '#telemetry';
import type { z } from 'zod';
import type { silenceView } from './silence-schemas.ts';

export function viewOfSilence(
  silence: Silence,
  state: SilenceState,
  formatMatcher: (matcher: Matcher) => string,
): z.input<typeof silenceView> {
  const { end } = silence;
  return {
    id: silence.id,
    state,
    matcher_sets: silence.matcherSets.map((matchers) => matchers.map(formatMatcher)),
    starts_at: toRfc3339(silence.startsAtMs),
    ends_at: toRfc3339(silence.endsAtMs),
    created_by: silence.createdBy,
    set_by: silence.setBy,
    comment: silence.comment,
    annotations: { ...silence.annotations },
    until_resolved: silence.untilResolved,
    warn_before_ms: silence.warnBeforeMs,
    alert_id: silence.alertId,
    created_at: toRfc3339(silence.createdAtMs),
    updated_at: toRfc3339(silence.updatedAtMs),
    end: end && { cause: end.cause, by: end.by, replaced_by: end.replacedBy },
  };
}
