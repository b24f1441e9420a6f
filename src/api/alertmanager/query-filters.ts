import { compileRegex, type Labels, matchesAll, type Matcher, messageOf, RegexSum } from '#telemetry';
import { z } from 'zod';
import { AlertmanagerRefusal } from './alertmanager-refusal.ts';

/** More matchers than these are no filter of a person. */
const maxFilters = 100;
const TRUE_WORDS: readonly string[] = [
  'true',
  '1',
  'yes',
  'ok',
  'y',
  'on',
  'selected',
  'checked',
  't',
  'enabled',
];

const parameter = z.union([z.string(), z.array(z.string())]).optional();
const flag = (meaning: string) => parameter.describe(`${meaning} Without it \`true\`.`);
const matchers = (meaning: string) =>
  parameter.describe(`${meaning}; may be repeated, then all have to fit.`);

const filterParameter = matchers('A matcher, `alertname="Down"`');
const receiverMatchersParameter = matchers('A matcher of the labels of receivers');
const receiverParameter = parameter.describe('A regular expression that a receiver’s name has to match.');

/** What a list is narrowed by. Lenient, as Alertmanager is: what it does not know it does not mind. */
export const silencesQuery = z.object({
  filter: filterParameter,
  active: flag('`false` leaves out active ones.'),
  pending: flag('`false` leaves out pending ones.'),
  expired: flag('`false` leaves out those that have ended.'),
});

export const alertsQuery = z.object({
  filter: filterParameter,
  receiver: receiverParameter,
  receiver_matchers: receiverMatchersParameter,
  active: flag('`false` leaves out those that nothing suppresses.'),
  silenced: flag('`false` leaves out silenced ones.'),
  inhibited: flag('`false` leaves out inhibited ones.'),
  unprocessed: flag('Read as Alertmanager 0.34 reads it: it leaves out none.'),
});

export const groupsQuery = alertsQuery.omit({ unprocessed: true }).extend({
  muted: flag('`false` leaves out groups that a time interval mutes.'),
});

export const receiversQuery = z.object({ receiver_matchers: receiverMatchersParameter });

export type Parameter = string | string[] | undefined;

/** As go-openapi reads a boolean: a few words are true, others are not, and none is what is the default. */
export function isWanted(given: Parameter): boolean {
  const text = [given].flat()[0] ?? '';
  return text === '' || TRUE_WORDS.includes(text.toLowerCase());
}

/** @throws AlertmanagerRefusal where one can't be read */
export function readMatchers(
  given: Parameter,
  parseMatcher: (text: string) => Matcher,
  context = '',
): readonly Matcher[] {
  const texts = given === undefined ? [] : [given].flat();
  if (texts.length > maxFilters) {
    throw AlertmanagerRefusal.text(400, `${context}there are more than ${maxFilters} matchers (maxFilters)`);
  }
  const regexes = new RegexSum();
  return texts.map((text) => {
    try {
      const matcher = parseMatcher(text);
      regexes.add(matcher);
      return matcher;
    } catch (thrown) {
      throw AlertmanagerRefusal.text(400, context + messageOf(thrown));
    }
  });
}

export const RECEIVER_MATCHERS_CONTEXT = 'failed to parse receiver_matchers param: ';

/** @throws AlertmanagerRefusal where the expression is broken */
function readReceiver(given: Parameter): ((name: string) => boolean) | null {
  const text = [given].flat()[0] ?? '';
  if (text === '') return null;
  try {
    const regex = compileRegex(text, 'in_line');
    return (name) => regex.matches(name);
  } catch (thrown) {
    throw AlertmanagerRefusal.text(400, `failed to parse receiver param: ${messageOf(thrown)}`);
  }
}

/** Which receivers are meant, by name and labels; null: all. */
export function readReceiverFilter(
  query: { readonly receiver?: Parameter; readonly receiver_matchers?: Parameter },
  parseMatcher: (text: string) => Matcher,
  labelsOf: (name: string) => Labels | undefined,
): ((name: string) => boolean) | null {
  const isNamed = readReceiver(query.receiver);
  const wanted = readMatchers(query.receiver_matchers, parseMatcher, RECEIVER_MATCHERS_CONTEXT);
  if (isNamed === null && wanted.length === 0) return null;
  return (name) => {
    if (isNamed !== null && !isNamed(name)) return false;
    if (wanted.length === 0) return true;
    const labels = labelsOf(name);
    return labels !== undefined && matchesAll(wanted, labels);
  };
}
