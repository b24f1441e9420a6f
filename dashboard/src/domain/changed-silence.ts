import type { Silence } from '../api/wire.ts';
import { splitMatchers } from './alert-filter.ts';

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

const OR = /^[^\S\n]*or[^\S\n]*$/im;

/** A silence as it is edited. */
export function editedSilence({
  matcher_sets: sets,
  comment,
  until_resolved: untilResolved,
}: Pick<Silence, 'matcher_sets' | 'comment' | 'until_resolved'>): EditedSilence {
  return { matchers: sets.map((matchers) => matchers.join('\n')).join('\nor\n'), comment, untilResolved };
}

/** What a text of matchers is for: alternatives, of each of which all have to match. */
export function typedAlternatives(text: string): readonly (readonly string[])[] {
  return text.split(OR).map(splitMatchers);
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
  const sets = typedAlternatives(edited.matchers);
  const comment = edited.comment.trim();
  const faults: EditedSilenceFaults = {
    ...(sets.some((matchers) => matchers.length === 0)
      ? { matchers: 'Write which alerts, such as team="web"; `or` stands between matchers.' }
      : {}),
    ...(comment === '' ? { comment: 'Say why, for those who wonder.' } : {}),
  };
  if (Object.keys(faults).length > 0) return { faults };
  const order: SilenceChangeOrder = {
    ...(isForOthers(edited, before) ? { matcher_sets: sets } : {}),
    ...(comment === before.comment ? {} : { comment }),
    ...(edited.untilResolved === before.untilResolved ? {} : { until_resolved: edited.untilResolved }),
  };
  return { order: Object.keys(order).length === 0 ? null : order };
}
