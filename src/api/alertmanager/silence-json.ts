import type { MatcherText, Silence, SilenceOrder, SilenceState } from '#notification';
import { type Matcher, type MatchOperator, toRfc3339 } from '#telemetry';
import { isSameMatcher } from '../silences/matcher-filter.ts';
import { AlertmanagerRefusal, REFUSAL_CODES } from './alertmanager-refusal.ts';
import { flagOf, labelsOf, objectOf, required, textOf, timeOf } from './go-values.ts';

const BODY = 'silence';

/**
 * A `gettableSilence`. The API knows one set of matchers: of a silence with several the first is shown as such, and all of them
 * beside it (Alertmanager itself answers such a list with 500). Programs that show the first alone show the comment, too, which
 * says how many there are.
 */
export function viewOfSilence(silence: Silence, state: SilenceState) {
  const [first = [], ...others] = silence.matcherSets;
  return {
    id: silence.id,
    status: { state },
    updatedAt: toRfc3339(silence.updatedAtMs),
    annotations: silence.annotations,
    comment: `${silence.comment}${noteOfSets(silence)}`,
    createdBy: silence.createdBy,
    endsAt: toRfc3339(silence.endsAtMs),
    matchers: first.map(viewOfMatcher),
    ...(others.length > 0 && { matcherSets: silence.matcherSets.map((set) => set.map(viewOfMatcher)) }),
    startsAt: toRfc3339(silence.startsAtMs),
  };
}

/** What the comment of a silence with several matcher sets says besides; empty for one. */
function noteOfSets({ comment, matcherSets }: Silence): string {
  const others = matcherSets.length - 1;
  if (others < 1) return '';
  const space = comment === '' ? '' : ' ';
  return `${space}(and ${others} more matcher ${others === 1 ? 'set' : 'sets'}; see Omoi)`;
}

/** The comment of a change, without what was only shown: programs send back what they have read. */
export function commentOfChange(before: Silence, posted: string): string {
  const shown = noteOfSets(before).trim();
  return shown !== '' && posted.endsWith(shown) ? posted.slice(0, -shown.length).trimEnd() : posted;
}

function viewOfMatcher({ name, operator, value }: Matcher) {
  return {
    isEqual: operator === '=' || operator === '=~',
    isRegex: operator === '=~' || operator === '!~',
    name,
    value,
  };
}

/**
 * A `postableSilence`.
 * @throws AlertmanagerRefusal in the words of Alertmanager
 */
export function readPostedSilence(body: unknown, nowMs: number): Omit<SilenceOrder, 'by'> {
  const field = (path: string) => ({ body: BODY, path });
  const fields = objectOf(body, field(''));
  const comment = required(textOf(fields['comment'], field('comment')), field('comment'));
  const createdBy = required(textOf(fields['createdBy'], field('createdBy')), field('createdBy'));
  required(fields['startsAt'] ?? null, field('startsAt'));
  required(fields['endsAt'] ?? null, field('endsAt'));
  const startsAtMs = timeOf(fields['startsAt'], field('startsAt'));
  const endsAtMs = timeOf(fields['endsAt'], field('endsAt')) ?? -Infinity;
  const matchers = readMatcherList(fields['matchers'] ?? null);
  if ((startsAtMs ?? nowMs) >= endsAtMs) {
    throw AlertmanagerRefusal.text(400, 'Failed to create silence: start time must be before end time');
  }
  if (endsAtMs < nowMs) {
    throw AlertmanagerRefusal.text(400, "Failed to create silence: end time can't be in the past");
  }
  return {
    id: textOf(fields['id'], field('id')) || null,
    matcherSets: [matchers],
    startsAtMs,
    endsAtMs,
    createdBy,
    comment,
    annotations: labelsOf(fields['annotations'], field('annotations')) ?? {},
  };
}

function readMatcherList(value: unknown): readonly MatcherText[] {
  const list = required(value, { body: BODY, path: 'matchers' });
  if (!Array.isArray(list)) throw AlertmanagerRefusal.unreadable(BODY, 'matchers has to be a list');
  if (list.length === 0) {
    throw AlertmanagerRefusal.invalid(
      REFUSAL_CODES.tooFewItems,
      'matchers in body should have at least 1 items',
    );
  }
  return list.map(readMatcher);
}

function readMatcher(value: unknown, at: number): MatcherText {
  const field = (name: string) => ({
    body: BODY,
    path: name === '' ? `matchers.${at}` : `matchers.${at}.${name}`,
  });
  const fields = objectOf(value, field(''));
  const name = required(textOf(fields['name'], field('name')), field('name'));
  const isRegex = required(flagOf(fields['isRegex'], field('isRegex')), field('isRegex'));
  const isEqual = flagOf(fields['isEqual'], field('isEqual')) ?? true;
  const text = required(textOf(fields['value'], field('value')), field('value'));
  return { name, operator: operatorOf(isEqual, isRegex), value: text };
}

function operatorOf(isEqual: boolean, isRegex: boolean): MatchOperator {
  if (isRegex) return isEqual ? '=~' : '!~';
  return isEqual ? '=' : '!=';
}

/**
 * The matcher sets that a change through this API means, which knows of one: of a silence with several it goes on for all of
 * them as long as the one that is shown stays as it is.
 * @throws AlertmanagerRefusal where others would be lost
 */
export function setsOfChange(before: Silence, posted: readonly MatcherText[]): SilenceOrder['matcherSets'] {
  if (before.matcherSets.length === 1) return [posted];
  const [first = []] = before.matcherSets;
  if (posted.length === first.length && posted.every((one, at) => isSameMatcher(one, first[at] ?? one))) {
    return before.matcherSets;
  }
  throw AlertmanagerRefusal.text(
    400,
    `the silence ${before.id} has ${before.matcherSets.length} matcher sets, of which this API shows one: ` +
      'its matchers are changed by ending it and setting another (omoi silences)',
  );
}
