import type { Silence } from '../api/wire.ts';
import { faultOfMatchers, typedAlternatives } from './typed-matchers.ts';

/** What somebody makes of a silence. */
export interface EditedSilence {
  /** One matcher a line; a line `or` begins other ones. */
  readonly matchers: string;
  readonly comment: string;
  readonly untilResolved: boolean;
}

export type EditedSilenceFaults = Partial<Record<'matchers' | 'comment', string>>;

/** As the server is asked for it: what is otherwise. */
export interface SilenceChangeOrder {
  readonly matcher_sets?: readonly (readonly string[])[];
  readonly comment?: string;
  readonly until_resolved?: boolean;
}

/** A silence as it is edited. */
export function editedSilence({
  matcher_sets: sets,
  comment,
  until_resolved: untilResolved,
}: Pick<Silence, 'matcher_sets' | 'comment' | 'until_resolved'>): EditedSilence {
  return { matchers: sets.map((matchers) => matchers.join('\n')).join('\nor\n'), comment, untilResolved };
}

/** Whether it would be for other alerts, by which another silence takes its place. */
export function isForOthers({ matchers }: EditedSilence, before: EditedSilence): boolean {
  return JSON.stringify(typedAlternatives(matchers)) !== JSON.stringify(typedAlternatives(before.matchers));
}

/** Reads what was edited: what is otherwise, null where nothing is; what is wrong is told by field. */
export function readEditedSilence(
  edited: EditedSilence,
  before: EditedSilence,
): { readonly order: SilenceChangeOrder | null } | { readonly faults: EditedSilenceFaults } {
  const fault = faultOfMatchers(edited.matchers);
  const comment = edited.comment.trim();
  const faults: EditedSilenceFaults = {
    ...(fault === null ? {} : { matchers: fault }),
    ...(comment === '' ? { comment: 'Say why, for those who wonder.' } : {}),
  };
  if (Object.keys(faults).length > 0) return { faults };
  const order: SilenceChangeOrder = {
    ...(isForOthers(edited, before) ? { matcher_sets: typedAlternatives(edited.matchers) } : {}),
    ...(comment === before.comment ? {} : { comment }),
    ...(edited.untilResolved === before.untilResolved ? {} : { until_resolved: edited.untilResolved }),
  };
  return { order: Object.keys(order).length === 0 ? null : order };
}
