import { z } from 'zod';
import { optionalKey, writtenDuration, writtenTexts } from '#alerting';
import { openPoints, parseMetric, parsePoints, type OpenedPoints } from '#promql';
import { messageOf, openStrictDocument, type HistogramValue, type Labels } from '#telemetry';

/** A file of unit tests of rules, as promtool has them, checked; durations in ms. */
export interface RuleTestFile {
  readonly name: string;
  /** Globs relative to the file. */
  readonly ruleFiles: readonly WrittenGlob[];
  readonly evaluationIntervalMs: number;
  /** Names of groups, in the order in which they are evaluated. */
  readonly groupOrder: readonly string[];
  /** Whether numbers that differ in their last bit are equal. */
  readonly isFuzzy: boolean;
  readonly tests: readonly RuleTest[];
}

export interface WrittenGlob {
  readonly glob: string;
  readonly line: number;
}

/** Series, and what becomes of them. Times are relative to `startMs`. */
export interface RuleTest {
  readonly name: string;
  readonly line: number;
  /** Between two points of the input. */
  readonly intervalMs: number;
  /** Wall ms. */
  readonly startMs: number;
  readonly inputs: readonly InputSeries[];
  readonly alertCases: readonly AlertCase[];
  readonly exprCases: readonly ExprCase[];
  readonly externalLabels: Labels;
  readonly externalUrl: string;
}

export interface InputSeries {
  readonly labels: Labels;
  readonly points: OpenedPoints;
}

export interface AlertCase {
  readonly line: number;
  readonly atMs: number;
  readonly alertname: string;
  readonly expected: readonly ExpectedAlert[];
}

export interface ExpectedAlert {
  /** With `alertname`. */
  readonly labels: Labels;
  readonly annotations: Labels;
}

export interface ExprCase {
  readonly line: number;
  readonly atMs: number;
  readonly expr: string;
  readonly expected: readonly ExpectedSample[];
}

export interface ExpectedSample {
  readonly labels: Labels;
  readonly value: number;
  readonly histogram: HistogramValue | null;
}

/** Parses an expression. @throws with the reason, also for one that gives neither a vector nor a scalar */
export type CheckTestExpression = (expr: string) => void;

/** Points of all input series of one test. */
const MAX_INPUT_POINTS = 20_000_000;
const DEFAULT_EVALUATION_INTERVAL_MS = 60_000;

/**
 * Parses a file of unit tests as strictly as promtool does; unlike promtool, also series, expressions and samples before
 * anything runs.
 * @throws OmoiError `rule_test_file_invalid`; each line of the message is `file:line:column: problem`
 */
export function parseRuleTestFile(
  source: { readonly name: string; readonly text: string },
  checkExpression: CheckTestExpression,
): RuleTestFile {
  const schema = fileSchema(checkExpression);
  const document = openStrictDocument({ ...source, scalars: 'text' }, schema, 'rule_test_file_invalid');
  const written = document.accepted();
  const lineOf = (...path: readonly PropertyKey[]): number => Number.parseInt(document.placeOf(path), 10);
  const evaluationIntervalMs = written.evaluation_interval || DEFAULT_EVALUATION_INTERVAL_MS;
  return {
    name: source.name,
    ruleFiles: written.rule_files.map((glob, place) => ({ glob, line: lineOf('rule_files', place) })),
    evaluationIntervalMs,
    groupOrder: written.group_eval_order,
    isFuzzy: written.fuzzy_compare,
    tests: written.tests.map((test, place) => ({
      name: test.name || `unnamed#${place}`,
      line: lineOf('tests', place),
      intervalMs: test.interval || evaluationIntervalMs,
      startMs: test.start_timestamp,
      inputs: test.input_series.map(({ series, values }) => ({ labels: series, points: values })),
      alertCases: test.alert_rule_test.map(({ alertname, eval_time: atMs, exp_alerts: expected }, at) => ({
        line: lineOf('tests', place, 'alert_rule_test', at),
        atMs,
        alertname,
        expected: expected.map(({ exp_labels: labels, exp_annotations: annotations }) => ({
          labels: { ...labels, alertname },
          annotations,
        })),
      })),
      exprCases: test.promql_expr_test.map(({ expr, eval_time: atMs, exp_samples: expected }, at) => ({
        line: lineOf('tests', place, 'promql_expr_test', at),
        atMs,
        expr,
        expected,
      })),
      externalLabels: test.external_labels,
      externalUrl: test.external_url,
    })),
  };
}

function fileSchema(checkExpression: CheckTestExpression) {
  return z.strictObject({
    rule_files: optionalKey(z.array(optionalKey(z.string(), '')), []),
    evaluation_interval: optionalKey(writtenDuration, '0s'),
    group_eval_order: optionalKey(z.array(optionalKey(z.string(), '')), []).superRefine(namesOnce),
    tests: optionalKey(z.array(optionalKey(testSchema(checkExpression), {})), []),
    fuzzy_compare: optionalKey(z.boolean(), false),
  });
}

function testSchema(checkExpression: CheckTestExpression) {
  return z.strictObject({
    name: optionalKey(z.string(), ''),
    interval: optionalKey(writtenDuration, '0s'),
    start_timestamp: optionalKey(timestamp, '0'),
    input_series: optionalKey(z.array(optionalKey(inputSchema, {})), []).superRefine(notTooManyPoints),
    alert_rule_test: optionalKey(z.array(optionalKey(alertCaseSchema, {})), []),
    promql_expr_test: optionalKey(z.array(optionalKey(exprCaseSchema(checkExpression), {})), []),
    external_labels: optionalKey(writtenTexts, {}),
    external_url: optionalKey(z.string(), ''),
  });
}

const inputSchema = z.strictObject({
  series: optionalKey(parsedBy(parseSeriesName), ''),
  values: optionalKey(parsedBy(openPoints), ''),
});

const alertCaseSchema = z.strictObject({
  eval_time: optionalKey(writtenDuration, '0s'),
  alertname: optionalKey(z.string().min(1, 'the name of the alert is missing'), ''),
  exp_alerts: optionalKey(
    z.array(
      optionalKey(
        z.strictObject({
          exp_labels: optionalKey(writtenTexts, {}),
          exp_annotations: optionalKey(writtenTexts, {}),
        }),
        {},
      ),
    ),
    [],
  ),
});

const sampleSchema = z.strictObject({
  labels: optionalKey(
    parsedBy((text) => (text.trim() === '' ? {} : parseMetric(text))),
    '',
  ),
  value: optionalKey(
    z.union([z.number(), z.nan(), z.literal(Infinity), z.literal(-Infinity)], 'expected a number'),
    0,
  ),
  histogram: optionalKey(parsedBy(parseOneHistogram), ''),
});

function exprCaseSchema(checkExpression: CheckTestExpression) {
  return z.strictObject({
    expr: optionalKey(
      parsedBy((text) => {
        checkExpression(text);
        return text;
      }),
      '',
    ),
    eval_time: optionalKey(writtenDuration, '0s'),
    exp_samples: optionalKey(z.array(optionalKey(sampleSchema, {})), []),
  });
}

/** A text that is read by `parse`, whose reason is the problem where it can't be. */
function parsedBy<Value>(parse: (text: string) => Value) {
  return z.string().transform((text, context) => {
    try {
      return parse(text);
    } catch (thrown) {
      context.addIssue({ code: 'custom', message: messageOf(thrown) });
      return z.NEVER;
    }
  });
}

function parseSeriesName(text: string): Labels {
  if (text.trim() === '') throw new Error('the series is missing');
  return parseMetric(text);
}

function parseOneHistogram(text: string): HistogramValue | null {
  if (text === '') return null;
  const points = parsePoints(text);
  const [point] = points;
  if (points.length !== 1) throw new Error(`one histogram is expected, there are ${points.length} points`);
  if (point?.kind !== 'histogram') throw new Error(`${JSON.stringify(text)} is no histogram`);
  return point.histogram;
}

/** Seconds since 1970, or RFC 3339; as wall ms. */
const timestamp = z.string().transform((text, context) => {
  const timeMs = /^[-+]?[\d.]+(?:e[-+]?\d+)?$/i.test(text) ? Number(text) * 1000 : rfc3339Ms(text);
  if (Number.isFinite(timeMs) && Math.abs(timeMs) <= MAX_TIME_MS) return Math.trunc(timeMs);
  context.addIssue({ code: 'custom', message: `cannot parse ${JSON.stringify(text)} to a valid timestamp` });
  return z.NEVER;
});

/** What a Date can be. */
const MAX_TIME_MS = 8.64e15;
const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[-+]\d\d:\d\d)$/;

function rfc3339Ms(text: string): number {
  return RFC_3339.test(text) ? Date.parse(text.replace(',', '.')) : Number.NaN;
}

function namesOnce(names: readonly string[], context: z.RefinementCtx): void {
  for (const [place, name] of names.entries()) {
    if (names.indexOf(name) === place) continue;
    context.addIssue({
      code: 'custom',
      path: [place],
      message: `group name repeated in evaluation order: ${name}`,
    });
  }
}

function notTooManyPoints(
  inputs: readonly { readonly values: OpenedPoints }[],
  context: z.RefinementCtx,
): void {
  const points = inputs.reduce((sum, { values }) => sum + values.count, 0);
  if (points <= MAX_INPUT_POINTS) return;
  const message = `${points} points are more than the ${MAX_INPUT_POINTS} that a test may have`;
  context.addIssue({ code: 'custom', message });
}
