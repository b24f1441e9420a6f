import { sampleValueText, histogramNotation } from '#promql';
import { formatDuration, formatElapsed, formatLabels, withoutLabels, type Labels } from '#telemetry';
import { printable } from '../../query/printable.ts';
import { painted, type Colour } from '../../terminal/colours.ts';
import { differingNames } from './compare-alerts.ts';
import {
  isGoodFile,
  isGoodTest,
  type AlertDifference,
  type AlertReport,
  type ComparedAlert,
  type ComparedSample,
  type ExprReport,
  type FileProblem,
  type FileReport,
  type SampleDifference,
  type TestReport,
} from './test-report.ts';

/** Paints text where the reader wants colours. */
export type Paint = (text: string, colour: Colour) => string;

export function painter(colours: boolean): Paint {
  return (text, colour) => (colours ? painted(text, colour) : text);
}

/** What became of a file, for a person: every failed test with what differs, nothing of the others. */
export function fileLines(report: FileReport, paint: Paint): readonly string[] {
  const { elapsedMs, file, problems, tests, warnings } = report;
  const failed = tests.filter((test) => !isGoodTest(test)).length;
  const verdict =
    problems.length > 0
      ? paint('refused', 'red')
      : isGoodFile(report)
        ? paint('passed', 'green')
        : paint('failed', 'red');
  const counts =
    problems.length > 0 ? '' : `: ${testsText(tests.length, failed)} in ${formatElapsed(elapsedMs)}`;
  return [
    `${printable(file)}: ${verdict}${counts}`,
    ...warnings.map((warning) => `  ${paint('warning', 'yellow')}: ${printable(warning)}`),
    ...problems.map((problem) => `  ${problemText(problem)}`),
    ...tests.flatMap((test) => (isGoodTest(test) ? [] : testLines(file, test, paint))),
  ];
}

/** The closing line of all files. */
export function sumLine(reports: readonly FileReport[], paint: Paint): string {
  const tests = reports.flatMap((report) => report.tests);
  const failed = tests.filter((test) => !isGoodTest(test)).length;
  const refused = reports.filter(({ problems }) => problems.length > 0).length;
  const text = testsText(tests.length, failed);
  const files = reports.length === 1 ? '' : ` in ${reports.length} files`;
  const refusedText = refused > 0 ? `, ${refused} ${refused === 1 ? 'file' : 'files'} refused` : '';
  return paint(`${text}${files}${refusedText}`, failed + refused > 0 ? 'red' : 'green');
}

/** `file:line:column: message` */
export function problemText({ column, file, line, message }: FileProblem): string {
  const place = line === null ? file : `${file}:${line}:${column ?? 1}`;
  return printable(message.startsWith(`${file}:`) ? message : `${place}: ${message}`);
}

function testsText(tests: number, failed: number): string {
  return `${tests - failed} ${tests - failed === 1 ? 'test' : 'tests'} passed, ${failed} failed`;
}

function testLines(
  file: string,
  { cases, failures, line, name, refusal }: TestReport,
  paint: Paint,
): readonly string[] {
  const place = (at: number): string => printable(`${file}:${at}`);
  return [
    `  ${paint(printable(name), 'bold')} (${place(line)})`,
    ...(refusal === null ? [] : [`    ${paint('not run', 'red')}: ${refusal}`]),
    ...failures.map(
      ({ atMs, message, rule }) =>
        `    rule ${printable(rule)} at ${formatDuration(atMs)}: ${paint('fails', 'red')}: ${printable(message)}`,
    ),
    ...cases.flatMap((one) => {
      if (one.ok) return [];
      const subject = one.kind === 'alert' ? `alert ${one.alertname}` : one.expr;
      const lines = one.kind === 'alert' ? alertLines(one, paint) : exprLines(one, paint);
      return [`    ${place(one.line)}: ${printable(subject)} at ${formatDuration(one.atMs)}`, ...lines];
    }),
  ];
}

/** Differences of one case that are shown. */
const MAX_SHOWN = 50;

function alertLines({ differences }: AlertReport, paint: Paint): readonly string[] {
  const shown = differences.slice(0, MAX_SHOWN).flatMap((one) => alertDifferenceLines(one, paint));
  return [...shown, ...restLines(differences.length)];
}

function restLines(differences: number): readonly string[] {
  return differences > MAX_SHOWN ? [`      and ${differences - MAX_SHOWN} more differences`] : [];
}

function alertDifferenceLines(difference: AlertDifference, paint: Paint): readonly string[] {
  switch (difference.kind) {
    case 'missing':
      return [
        `      ${paint('missing', 'red')}: ${labelsText(difference.expected.labels)}`,
        ...(difference.why === '' ? [] : [`        ${printable(difference.why)}`]),
      ];
    case 'unexpected':
      return [
        `      ${paint('unexpected', 'red')}: ${labelsText(difference.got.labels)}`,
        `        ${printable(difference.why)}`,
      ];
    case 'differs':
      return [
        `      ${paint('differs', 'red')}: ${labelsText(difference.got.labels)}`,
        ...textLines('label', difference, paint),
        ...textLines('annotation', difference, paint),
      ];
  }
}

/** The labels or annotations that differ: what was expected, and what came. */
function textLines(
  kind: 'label' | 'annotation',
  { expected, got }: { readonly expected: ComparedAlert; readonly got: ComparedAlert },
  paint: Paint,
): readonly string[] {
  const [one, other] =
    kind === 'label' ? [expected.labels, got.labels] : [expected.annotations, got.annotations];
  return differingNames(one, other).flatMap((name) => [
    `        ${kind} ${printable(name)}`,
    `          ${paint(`- ${textOf(one, name)}`, 'red')}`,
    `          ${paint(`+ ${textOf(other, name)}`, 'green')}`,
  ]);
}

function textOf(texts: Labels, name: string): string {
  return Object.hasOwn(texts, name) ? printable(JSON.stringify(texts[name])) : '(none)';
}

/** Without `alertname`, which stands above. */
function labelsText(labels: Labels): string {
  return printable(formatLabels(withoutLabels(labels, 'alertname')));
}

function exprLines({ differences, error }: ExprReport, paint: Paint): readonly string[] {
  if (error !== null) return [`      ${paint('fails', 'red')}: ${printable(error)}`];
  const shown = differences.slice(0, MAX_SHOWN).flatMap((one) => sampleDifferenceLines(one, paint));
  return [...shown, ...restLines(differences.length)];
}

function sampleDifferenceLines(difference: SampleDifference, paint: Paint): readonly string[] {
  switch (difference.kind) {
    case 'missing':
      return [`      ${paint('missing', 'red')}: ${sampleText(difference.expected)}`];
    case 'unexpected':
      return [`      ${paint('unexpected', 'red')}: ${sampleText(difference.got)}`];
    case 'differs': {
      const bothNaN = Number.isNaN(difference.expected.value) && Number.isNaN(difference.got.value);
      return [
        `      ${paint(`- ${sampleText(difference.expected)}`, 'red')}`,
        `      ${paint(`+ ${sampleText(difference.got)}`, 'green')}`,
        ...(bothNaN
          ? ['        NaN equals nothing, not even NaN; test `… != …` of the expression with itself']
          : []),
      ];
    }
  }
}

function sampleText({ histogram, labels, value }: ComparedSample): string {
  const text = histogram === null ? sampleValueText(value) : histogramNotation(histogram);
  return `${printable(formatLabels(labels))} ${text}`;
}
