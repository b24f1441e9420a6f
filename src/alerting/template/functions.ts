import { RE2JS } from 're2js';
import { parseDuration } from '#telemetry';
import { GO_FUNCTIONS } from './go-functions.ts';
import { humanize, humanize1024, humanizeDuration, humanizePercentage } from './humanize.ts';
import {
  isList,
  isMap,
  printValue,
  TemplateRunError,
  typeName,
  type TemplateSample,
  type TemplateValue,
} from './value.ts';

/** What templates may ask of the outside. */
export interface TemplateHost {
  /** The address people reach Omoi at. */
  readonly externalUrl: string;
  /** Evaluation time, ms since epoch. */
  readonly timeMs: number;
  /** Evaluates an expression now, from memory. @throws where it cannot */
  query(expression: string): readonly TemplateSample[];
}

export type TemplateFunction = (args: readonly TemplateValue[], host: TemplateHost) => TemplateValue;

/** How many arguments a function takes: exactly, or at least. */
export interface FunctionEntry {
  readonly arity: number | { readonly atLeast: number };
  readonly call: TemplateFunction;
}

const entry = (arity: FunctionEntry['arity'], call: TemplateFunction): FunctionEntry => ({ arity, call });

const numeric = (format: (value: number) => string): FunctionEntry =>
  entry(1, ([value = null]) => format(toNumber(value)));

const textual = (change: (text: string) => string): FunctionEntry =>
  entry(1, ([value = null]) => change(toText(value)));

/** The functions of Prometheus's rule templates, beside Go's own. */
const PROMETHEUS_FUNCTIONS: Readonly<Record<string, FunctionEntry>> = {
  humanize: numeric(humanize),
  humanize1024: numeric(humanize1024),
  humanizeDuration: numeric(humanizeDuration),
  humanizePercentage: numeric(humanizePercentage),
  humanizeTimestamp: entry(1, ([value = null]) => {
    const seconds = toNumber(value);
    return Number.isFinite(seconds) ? printValue(toTime(seconds)) : humanize(seconds);
  }),
  toTime: entry(1, ([value = null]) => toTime(toNumber(value))),
  toDuration: entry(1, ([value = null]) => humanizeDuration(toNumber(value))),
  now: entry(0, (_args, host) => host.timeMs / 1000),
  parseDuration: entry(1, ([value = null]) => {
    const durationMs = parseDuration(toText(value));
    if (durationMs === null)
      throw new TemplateRunError(`not a valid duration string: ${JSON.stringify(value)}`);
    return durationMs / 1000;
  }),
  title: textual((text) => text.replace(/(^|[^\p{L}\p{N}_'])(\p{L})/gu, (found) => found.toUpperCase())),
  toUpper: textual((text) => text.toUpperCase()),
  toLower: textual((text) => text.toLowerCase()),
  stripPort: textual((text) => text.replace(/^\[([^\]]*)\](:\d+)?$|^([^:]*):\d+$/, '$1$3')),
  stripDomain: textual(stripDomain),
  match: entry(2, ([pattern = null, text = null]) => compile(toText(pattern)).matcher(toText(text)).find()),
  reReplaceAll: entry(3, ([pattern = null, replacement = null, text = null]) =>
    compile(toText(pattern)).matcher(toText(text)).replaceAll(toText(replacement)),
  ),
  safeHtml: textual((text) => text),
  urlQueryEscape: textual((text) => encodeURIComponent(text).replaceAll('%20', '+')),
  externalURL: entry(0, (_args, host) => host.externalUrl),
  pathPrefix: entry(0, (_args, host) => new URL(host.externalUrl).pathname.replace(/\/$/, '')),
  graphLink: textual((text) => `/graph?g0.expr=${encodeURIComponent(text)}&g0.tab=0`),
  tableLink: textual((text) => `/graph?g0.expr=${encodeURIComponent(text)}&g0.tab=1`),
  args: entry({ atLeast: 0 }, (args) => Object.fromEntries(args.map((arg, place) => [`arg${place}`, arg]))),
  query: entry(1, ([expression = null], host) =>
    host.query(toText(expression)).map(({ Labels, Value }) => ({ Labels, Value })),
  ),
  first: entry(1, ([vector = null]) => {
    const sample = toVector(vector)[0];
    if (sample === undefined) throw new TemplateRunError('first() called on vector with no elements');
    return sample;
  }),
  label: entry(2, ([name = null, sample = null]) => labelOf(sample, toText(name))),
  strvalue: entry(1, ([sample = null]) => labelOf(sample, '__value__')),
  value: entry(1, ([sample = null]) => (isMap(sample) ? (sample['Value'] ?? null) : null)),
  sortByLabel: entry(2, ([name = null, vector = null]) => {
    const label = toText(name);
    return [...toVector(vector)].sort((a, b) => (labelOf(a, label) < labelOf(b, label) ? -1 : 1));
  }),
};

export const TEMPLATE_FUNCTIONS: ReadonlyMap<string, FunctionEntry> = new Map(
  Object.entries({ ...GO_FUNCTIONS, ...PROMETHEUS_FUNCTIONS }),
);

function toNumber(value: TemplateValue): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint') return Number(value);
  if (typeof value === 'string') {
    const seconds = value.trim() === '' ? Number.NaN : Number(value);
    if (!Number.isNaN(seconds) || value === 'NaN') return seconds;
  }
  throw new TemplateRunError(`can't convert ${typeName(value)} to float: ${printValue(value)}`);
}

function toText(value: TemplateValue): string {
  if (typeof value === 'string') return value;
  throw new TemplateRunError(`wrong type for value; expected string; got ${typeName(value)}`);
}

function toTime(seconds: number): Date {
  const time = new Date(seconds * 1000);
  if (Number.isNaN(time.getTime())) throw new TemplateRunError(`${seconds} cannot be represented as a time`);
  return time;
}

function toVector(value: TemplateValue): readonly TemplateValue[] {
  if (isList(value)) return value;
  throw new TemplateRunError(`wrong type for value; expected a vector; got ${typeName(value)}`);
}

function labelOf(sample: TemplateValue, name: string): string {
  const labels = isMap(sample) ? sample['Labels'] : undefined;
  const value = labels !== undefined && isMap(labels) ? labels[name] : undefined;
  return typeof value === 'string' ? value : '';
}

function compile(pattern: string): RE2JS {
  try {
    return RE2JS.compile(pattern);
  } catch (thrown) {
    throw new TemplateRunError(`error parsing regexp: ${String(thrown)}`);
  }
}

/** `db1.example.com:9090` → `db1:9090`; addresses stay as they are. */
function stripDomain(hostPort: string): string {
  const port = /:\d+$/.exec(hostPort)?.[0] ?? '';
  const host = hostPort.slice(0, hostPort.length - port.length);
  const isAddress = /^[\d.]+$/.test(host) || host.includes(':');
  return isAddress ? hostPort : (host.split('.')[0] ?? host) + port;
}
