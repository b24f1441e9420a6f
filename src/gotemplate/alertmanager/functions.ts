import { humanizeDuration } from '../prometheus/humanize.ts';
import { toNumber } from '../prometheus/numbers.ts';
import { fixed, type FunctionSet, ofCharacters, ofText, variadic } from '../functions/function-set.ts';
import { titleCase, toLower, toUpper } from '../functions/letter-case.ts';
import type { Patterns } from '../functions/regular-expressions.ts';
import { ADDRESS_TYPE, HTML_TYPE } from '../html/write-value.ts';
import { toJson } from '../json/to-json.ts';
import { assertTextFits } from '../limits.ts';
import { InPieces } from '../values/in-pieces.ts';
import { durationValue } from '../time/duration.ts';
import { parseTime } from '../time/parse-time.ts';
import { GoTime, TIME_TYPE } from '../time/time.ts';
import type { TimeZones } from '../time/zones.ts';
import {
  type FunctionDefinition,
  GoMap,
  GoSlice,
  GoText,
  TemplateRunError,
  type TemplateValue,
  textOf,
} from '../values/value.ts';

/** What a template of a message may ask of the outside. */
export interface MessageTemplateHost {
  /** What `now` and `since` take for the present, ms since the epoch. */
  readonly nowMs: number;
  readonly zones: TimeZones;
  readonly patterns: Patterns;
  /** The label of the message's route; '' for one that it does not have. @throws where it can't be expanded */
  routeLabel(name: string): Generator<void, string>;
}

const NANOSECONDS_PER_MS = 1_000_000n;
const STRINGS = '[]string';
const ANYTHING = '[]interface {}';

/** The functions of Alertmanager's templates that depend on nothing but their arguments. */
const PURE_FUNCTIONS: ReadonlyMap<string, FunctionDefinition> = new Map<string, FunctionDefinition>([
  ['toUpper', ofCharacters(toUpper)],
  ['toLower', ofCharacters(toLower)],
  ['title', fixed(['string'], ([text]) => titleCase(textOf(text)))],
  ['trimSpace', ofText(trimSpace)],
  [
    'join',
    fixed(['string', STRINGS], ([separator, list = null], max) => joined(textOf(separator), list, max)),
  ],
  ['safeHtml', fixed(['string'], ([text]) => new GoText(HTML_TYPE, textOf(text)))],
  ['safeUrl', fixed(['string'], ([text]) => new GoText(ADDRESS_TYPE, textOf(text)))],
  ['urlUnescape', ofText(urlUnescape)],
  ['stringSlice', variadic(['string'], (texts) => new GoSlice(texts, STRINGS))],
  ['date', fixed(['string', TIME_TYPE], ([layout, time = null]) => timeOf(time).formatted(textOf(layout)))],
  ['toDate', fixed(['string', 'string'], ([layout, text]) => timeOrZero(textOf(layout), textOf(text)))],
  ['mustToDate', fixed(['string', 'string'], ([layout, text]) => parseTime(textOf(layout), textOf(text)))],
  ['humanizeDuration', fixed(['any'], ([value = null]) => humanizeDuration(toNumber(value)))],
  ['toJson', fixed(['any'], ([value = null], maxCharacters) => new InPieces(toJson(value, maxCharacters)))],
  ['base64encode', ofText((text) => padded(Buffer.from(text.toWellFormed()).toString('base64url')))],
  ['base64decode', ofText(base64Decode)],
  ['list', variadic(['any'], (items) => new GoSlice(items))],
  ['append', variadic([ANYTHING, 'any'], ([list = null, ...items]) => appended(list, items))],
  ['dict', variadic(['any'], dictionary)],
]);

/** The functions of Alertmanager's templates, beside Go's own. */
export function messageTemplateFunctions(host: MessageTemplateHost): FunctionSet {
  const now = GoTime.ofMs(host.nowMs);
  const patterns = host.patterns.forRun();
  const takeEffort = (): number => patterns.takeEffort();
  const asking = new Map<string, FunctionDefinition>([
    [
      'match',
      {
        ...fixed(['string', 'string'], ([pattern, text]) => patterns.matches(textOf(pattern), textOf(text))),
        takeEffort,
      },
    ],
    [
      'reReplaceAll',
      {
        ...fixed(['string', 'string', 'string'], ([pattern, replacement, text], maxCharacters) => {
          const options = { text: textOf(text), maxCharacters };
          return patterns.replaceAll(textOf(pattern), textOf(replacement), options);
        }),
        takeEffort,
      },
    ],
    ['now', fixed([], () => now)],
    ['since', fixed([TIME_TYPE], ([time = null]) => durationValue(now.epochNs - timeOf(time).epochNs))],
    ['tz', fixed(['string', TIME_TYPE], ([zone, time = null]) => inZone(host, textOf(zone), timeOf(time)))],
    ['routeLabels', fixed(['string'], ([name]) => new InPieces(host.routeLabel(textOf(name))))],
  ]);
  return { get: (name) => asking.get(name) ?? PURE_FUNCTIONS.get(name) };
}

/** For the parser, which has to know the names only. */
export const MESSAGE_FUNCTION_NAMES: ReadonlySet<string> = new Set([
  ...PURE_FUNCTIONS.keys(),
  'match',
  'reReplaceAll',
  'now',
  'since',
  'tz',
  'routeLabels',
]);

/** Go's strings.TrimSpace. */
function trimSpace(text: string): string {
  const start = text.search(/\P{White_Space}/u);
  if (start === -1) return '';
  let end = text.length;
  while (IS_SPACE.test(text.charAt(end - 1))) end--;
  return text.slice(start, end);
}

const IS_SPACE = /\p{White_Space}/u;

function timeOf(value: TemplateValue): GoTime {
  if (value instanceof GoTime) return value;
  throw new TemplateRunError('not a time');
}

function timeOrZero(layout: string, text: string): GoTime {
  try {
    return parseTime(layout, text);
  } catch (thrown) {
    if (thrown instanceof TemplateRunError) return GoTime.zero();
    throw thrown;
  }
}

function inZone({ zones }: MessageTemplateHost, name: string, time: GoTime): GoTime {
  const zone = zones.at(name, Number(time.epochNs / NANOSECONDS_PER_MS));
  if (zone === null) throw new TemplateRunError(`unknown time zone ${name}`);
  return new GoTime(time.epochNs, zone);
}

function joined(separator: string, list: TemplateValue, maxCharacters: number): string {
  const texts = list instanceof GoSlice ? list.items.map(textOf) : [];
  const separators = separator.length * Math.max(0, texts.length - 1);
  assertTextFits(
    texts.reduce((sum, { length }) => sum + length, separators),
    maxCharacters,
  );
  return texts.join(separator);
}

function appended(list: TemplateValue, items: readonly TemplateValue[]): GoSlice {
  return new GoSlice(list instanceof GoSlice ? [...list.items, ...items] : items);
}

function dictionary(pairs: readonly TemplateValue[]): GoMap {
  if (pairs.length % 2 !== 0) throw new TemplateRunError('dict requires an even number of arguments');
  const entries = new Map<string, TemplateValue>();
  for (let place = 0; place < pairs.length; place += 2) {
    const key = pairs[place];
    if (typeof key !== 'string') throw new TemplateRunError('dict keys must be strings');
    entries.set(key, pairs[place + 1] ?? null);
  }
  return new GoMap(entries, { type: 'map[string]interface {}', zero: null });
}

/** Go's url.QueryUnescape. */
function urlUnescape(text: string): string {
  const bad = /%(?![0-9a-fA-F]{2}).{0,2}/s.exec(text);
  if (bad) throw new TemplateRunError(`invalid URL escape ${JSON.stringify(bad[0])}`);
  const bytes = text
    .replaceAll('+', ' ')
    .split(/(%[0-9a-fA-F]{2})/)
    .map((piece) =>
      /^%[0-9a-fA-F]{2}$/.test(piece) ? Buffer.of(Number.parseInt(piece.slice(1), 16)) : Buffer.from(piece),
    );
  return Buffer.concat(bytes).toString();
}

function padded(base64: string): string {
  return base64.padEnd(Math.ceil(base64.length / 4) * 4, '=');
}

/** Go's base64.URLEncoding, which wants its padding. */
function base64Decode(text: string): string {
  const plain = text.replace(/[\r\n]/g, '');
  const valid = /^(?:[\w-]{4})*(?:[\w-]{2}==|[\w-]{3}=)?/.exec(plain)?.[0].length ?? 0;
  if (valid < plain.length) throw new TemplateRunError(`illegal base64 data at input byte ${valid}`);
  return Buffer.from(plain, 'base64url').toString();
}
