import { attributes, element } from '../xml.ts';
import { fileLines, painter, problemText } from './report-text.ts';
import { isGoodTest, type FileReport, type TestReport } from './test-report.ts';

const plain = painter(false);

/**
 * The reports as JUnit XML, as CI servers read it: a suite for each file, a case for each test; a file that was refused is
 * an error of its suite.
 */
export function junitXml(reports: readonly FileReport[]): string {
  const tests = reports.reduce((sum, report) => sum + casesOf(report), 0);
  const failures = reports.reduce((sum, report) => sum + failuresOf(report), 0);
  const errors = reports.filter(({ problems }) => problems.length > 0).length;
  const elapsedMs = reports.reduce((sum, report) => sum + report.elapsedMs, 0);
  const counts = attributes({ tests, failures, errors, time: secondsText(elapsedMs) });
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites${counts}>\n${reports.map(suite).join('')}</testsuites>\n`;
}

/** A file that was refused has a case that says so: a suite without cases is nothing to some servers. */
function casesOf({ problems, tests }: FileReport): number {
  return problems.length > 0 ? 1 : tests.length;
}

function failuresOf({ tests }: FileReport): number {
  return tests.filter((test) => !isGoodTest(test)).length;
}

function suite(report: FileReport): string {
  const { elapsedMs, file, problems, tests } = report;
  const counts = attributes({
    name: file,
    tests: casesOf(report),
    failures: failuresOf(report),
    errors: problems.length > 0 ? 1 : 0,
    time: secondsText(elapsedMs),
  });
  const cases =
    problems.length > 0
      ? `    <testcase${attributes({ name: 'file', classname: file, time: secondsText(0) })}>\n` +
        `      ${element('error', { message: 'the file was refused' }, problems.map(problemText).join('\n'))}\n    </testcase>\n`
      : tests.map((test) => testCase(file, test)).join('');
  return `  <testsuite${counts}>\n${cases}  </testsuite>\n`;
}

function testCase(file: string, test: TestReport): string {
  const { elapsedMs, name } = test;
  const named = attributes({ name, classname: file, time: secondsText(elapsedMs) });
  if (isGoodTest(test)) return `    <testcase${named}/>\n`;
  const [, ...lines] = fileLines({ file, problems: [], warnings: [], tests: [test], elapsedMs }, plain);
  return `    <testcase${named}>\n      ${element('failure', { message: failureSummary(test) }, lines.join('\n'))}\n    </testcase>\n`;
}

function failureSummary({ cases, failures, refusal }: TestReport): string {
  if (refusal !== null) return refusal;
  const [first] = failures;
  if (first) return `rule ${first.rule}: ${first.message}`;
  const failed = cases.filter(({ ok }) => !ok);
  return `${failed.length} of ${cases.length} expectations not met`;
}

function secondsText(elapsedMs: number): string {
  return (elapsedMs / 1000).toFixed(3);
}
