/**
 * Why a silence has ended: its time was over, somebody ended it, another took its place (its matchers or its past were to be
 * others), or the alerts that it silenced were resolved.
 */
export const SILENCE_END_CAUSES = ['time', 'expired', 'replaced', 'resolved'] as const;
export type SilenceEndCause = (typeof SILENCE_END_CAUSES)[number];
