import { histogramNotation, sampleValueText } from '#promql';
import { formatLabels } from '#telemetry';
import {
  isGoodFile,
  isGoodTest,
  type CaseReport,
  type ComparedSample,
  type FileReport,
  type TestReport,
} from './test-report.ts';

/** The reports as `--json` prints them; times in seconds since the start of a test, values as Prometheus writes them. */
export function reportJson(reports: readonly FileReport[]): unknown {
  return { ok: reports.every(isGoodFile), files: reports.map(fileJson) };
}

function fileJson(report: FileReport) {
  const { elapsedMs, file, problems, tests, warnings } = report;
  return {
    file,
    ok: isGoodFile(report),
    problems,
    warnings,
    tests: tests.map((test) => testJson(file, test)),
    elapsed_ms: Math.round(elapsedMs),
  };
}

function testJson(file: string, test: TestReport) {
  const { cases, elapsedMs, evaluations, failures, line, name, refusal } = test;
  return {
    name,
    line,
    ok: isGoodTest(test),
    refusal,
    failures: failures.map(({ atMs, message, rule }) => ({ rule, at: atMs / 1000, message })),
    cases: cases.map((one) => caseJson(file, name, one)),
    evaluations,
    elapsed_ms: Math.round(elapsedMs),
  };
}

function caseJson(file: string, name: string, report: CaseReport) {
  const { atMs, kind, line, ok } = report;
  const common = { file, line, name, kind, at: atMs / 1000, ok };
  if (report.kind === 'alert') {
    const { alertname, expected, got, differences } = report;
    const reasons = differences.flatMap((difference) =>
      difference.kind === 'differs' ? [] : [`${difference.kind}: ${difference.why}`],
    );
    return { ...common, alertname, expected, got, reasons };
  }
  const { error, expected, expr, got } = report;
  return { ...common, expr, error, expected: expected.map(sampleJson), got: got.map(sampleJson) };
}

function sampleJson({ histogram, labels, value }: ComparedSample) {
  const written = { labels: formatLabels(labels) };
  return histogram === null
    ? { ...written, value: sampleValueText(value) }
    : { ...written, histogram: histogramNotation(histogram) };
}
