import { parseDuration, type Labels } from '#telemetry';
import { printed } from '../format/print.ts';
import { escapeQuery } from '../functions/escapes.ts';
import { fixed, type FunctionSet, ofText, variadic } from '../functions/function-set.ts';
import { toLower, toUpper } from '../functions/letter-case.ts';
import { Patterns } from '../functions/regular-expressions.ts';
import { durationValue } from '../time/duration.ts';
import { GoTime } from '../time/time.ts';
import {
  compareTexts,
  type FunctionDefinition,
  GoMap,
  GoSlice,
  GoStruct,
  TemplateRunError,
  type TemplateValue,
  textOf,
} from '../values/value.ts';
import { stripDomain, stripPort } from './host-port.ts';
import { humanize, humanize1024, humanizeDuration, humanizePercentage } from './humanize.ts';
import { toNumber } from './numbers.ts';

/** One element of a vector; a template sees `.Labels` and `.Value`. */
export interface TemplateSample {
  readonly labels: Labels;
  readonly value: number;
}

/** What a rule's template may ask of the outside. */
export interface RuleTemplateHost {
  /** The address people reach Omoi at. */
  readonly externalUrl: string;
  /** Evaluation time, ms since epoch. */
  readonly timeMs: number;
  /** Evaluates an expression now, from memory. @throws where it cannot */
  query(expression: string): readonly TemplateSample[];
}

const VECTOR_TYPE = 'template.queryResult';
const SAMPLE_TYPE = '*template.sample';

const numeric = (format: (value: number) => string): FunctionDefinition =>
  fixed(['any'], ([value = null]) => format(toNumber(value)));

/** The functions of Prometheus's rule templates that depend on nothing but their arguments. */
const PURE_FUNCTIONS: ReadonlyMap<string, FunctionDefinition> = new Map<string, FunctionDefinition>([
  ['humanize', numeric(humanize)],
  ['humanize1024', numeric(humanize1024)],
  ['humanizeDuration', numeric(humanizeDuration)],
  ['humanizePercentage', numeric(humanizePercentage)],
  [
    'humanizeTimestamp',
    numeric((seconds) => (Number.isFinite(seconds) ? printed(timeOf(seconds)) : humanize(seconds))),
  ],
  ['toTime', fixed(['any'], ([value = null]) => timeOf(toNumber(value)))],
  ['toDuration', fixed(['any'], ([value = null]) => durationOf(toNumber(value)))],
  ['parseDuration', fixed(['string'], ([text]) => secondsOf(textOf(text)))],
  ['title', ofText(title)],
  ['toUpper', ofText(toUpper)],
  ['toLower', ofText(toLower)],
  ['stripPort', ofText(stripPort)],
  ['stripDomain', ofText(stripDomain)],
  [
    'match',
    fixed(['string', 'string'], ([pattern, text]) =>
      new Patterns().forRun().matches(textOf(pattern), textOf(text)),
    ),
  ],
  [
    'reReplaceAll',
    fixed(['string', 'string', 'string'], ([pattern, replacement, text], maxCharacters) => {
      const patterns = new Patterns().forRun();
      const options = { text: textOf(text), maxCharacters };
      return patterns.replaceAll(textOf(pattern), textOf(replacement), options);
    }),
  ],
  ['safeHtml', ofText((text) => text)],
  ['urlQueryEscape', ofText(escapeQuery)],
  ['graphLink', ofText((text) => `/graph?g0.expr=${escapeQuery(text)}&g0.tab=0`)],
  ['tableLink', ofText((text) => `/graph?g0.expr=${escapeQuery(text)}&g0.tab=1`)],
  ['args', variadic(['any'], namedArguments)],
  ['first', fixed([VECTOR_TYPE], ([vector = null]) => firstOf(vector))],
  ['label', fixed(['string', SAMPLE_TYPE], ([name, sample = null]) => labelOf(sample, textOf(name)))],
  ['strvalue', fixed([SAMPLE_TYPE], ([sample = null]) => labelOf(sample, '__value__'))],
  ['value', fixed([SAMPLE_TYPE], ([sample = null]) => fieldOf(sample, 'Value'))],
  [
    'sortByLabel',
    fixed(['string', VECTOR_TYPE], ([name, vector = null]) => sortByLabel(textOf(name), vector)),
  ],
]);

/** The functions of Prometheus's rule templates, beside Go's own. */
export function ruleTemplateFunctions(host: RuleTemplateHost): FunctionSet {
  const asking = new Map<string, FunctionDefinition>([
    ['query', fixed(['string'], ([expression]) => vectorOf(host.query(textOf(expression))))],
    ['now', fixed([], () => host.timeMs / 1000)],
    ['externalURL', fixed([], () => host.externalUrl)],
    ['pathPrefix', fixed([], () => new URL(host.externalUrl).pathname.replace(/\/$/, ''))],
  ]);
  return { get: (name) => asking.get(name) ?? PURE_FUNCTIONS.get(name) };
}

/** For the parser, which has to know the names only. */
export const RULE_FUNCTION_NAMES: ReadonlySet<string> = new Set([
  ...PURE_FUNCTIONS.keys(),
  'query',
  'now',
  'externalURL',
  'pathPrefix',
]);

function vectorOf(samples: readonly TemplateSample[]): GoSlice {
  return new GoSlice(
    samples.map(
      ({ labels, value }) =>
        new GoStruct(
          SAMPLE_TYPE,
          new Map<string, TemplateValue>([
            ['Labels', GoMap.ofTexts(labels)],
            ['Value', value],
          ]),
        ),
    ),
    VECTOR_TYPE,
  );
}

function firstOf(vector: TemplateValue): TemplateValue {
  const first = vector instanceof GoSlice ? vector.items[0] : undefined;
  if (first === undefined) throw new TemplateRunError('first() called on vector with no elements');
  return first;
}

function sortByLabel(name: string, vector: TemplateValue): GoSlice {
  const items = vector instanceof GoSlice ? vector.items : [];
  const sorted = [...items].sort((a, b) => compareTexts(labelOf(a, name), labelOf(b, name)));
  return new GoSlice(sorted, VECTOR_TYPE);
}

function fieldOf(sample: TemplateValue, field: string): TemplateValue {
  return sample instanceof GoStruct ? (sample.fields.get(field) ?? null) : null;
}

function labelOf(sample: TemplateValue, name: string): string {
  const labels = fieldOf(sample, 'Labels');
  const value = labels instanceof GoMap ? labels.entries.get(name) : undefined;
  return typeof value === 'string' ? value : '';
}

function namedArguments(args: readonly TemplateValue[]): GoMap {
  return new GoMap(new Map(args.map((arg, place) => [`arg${place}`, arg])), {
    type: 'map[string]interface {}',
    zero: null,
  });
}

const MAX_INT64 = 2 ** 63;

/** Seconds since the epoch as a time, which has milliseconds. @throws TemplateRunError */
function timeOf(seconds: number): GoTime {
  if (!Number.isFinite(seconds)) throw new TemplateRunError('value is NaN or Inf');
  const nanoseconds = seconds * 1e9;
  if (Math.abs(nanoseconds) > MAX_INT64) {
    throw new TemplateRunError(
      `${printed(seconds)} cannot be represented as a nanoseconds timestamp since it overflows int64`,
    );
  }
  return new GoTime((BigInt(Math.trunc(nanoseconds)) / 1_000_000n) * 1_000_000n);
}

function durationOf(seconds: number): TemplateValue {
  const nanoseconds = seconds * 1e9;
  if (!(Math.abs(nanoseconds) < MAX_INT64)) {
    throw new TemplateRunError(`${printed(seconds)} cannot be represented as a duration`);
  }
  return durationValue(BigInt(Math.trunc(nanoseconds)));
}

function secondsOf(text: string): number {
  const isNegative = text.startsWith('-');
  const durationMs = parseDuration(isNegative ? text.slice(1) : text);
  if (durationMs === null) {
    throw new TemplateRunError(
      text === '' ? 'empty duration string' : `not a valid duration string: ${JSON.stringify(text)}`,
    );
  }
  return (isNegative ? -durationMs : durationMs) / 1000;
}

/** The first letter of each word in upper case; a typographic apostrophe ends no word. */
function title(text: string): string {
  return text.replace(/(?<![\p{L}\p{N}_’])\p{L}/gu, (letter) => letter.toUpperCase());
}
