import { attributes, element } from './xml.ts';

/** A file that was checked. */
export interface CheckedFile {
  readonly file: string;
  /** What is wrong with it; none where nothing is. */
  readonly failures: readonly string[];
}

/** Checks as JUnit XML, as servers of continuous integration read it: a suite of one case for each file. */
export function checkJunit(files: readonly CheckedFile[]): string {
  const failed = files.filter(({ failures }) => failures.length > 0).length;
  const counts = attributes({ name: 'omoi rules check', tests: files.length, failures: failed, errors: 0 });
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites${counts}>\n${files.map(suite).join('')}</testsuites>\n`;
}

function suite({ file, failures }: CheckedFile): string {
  const hasFailed = failures.length > 0;
  const counts = attributes({ name: file, tests: 1, failures: hasFailed ? 1 : 0, errors: 0 });
  const named = attributes({ name: 'rules check', classname: file });
  const [first = ''] = failures;
  const told = element('failure', { message: first }, failures.join('\n'));
  const testCase = hasFailed
    ? `    <testcase${named}>\n      ${told}\n    </testcase>\n`
    : `    <testcase${named}/>\n`;
  return `  <testsuite${counts}>\n${testCase}  </testsuite>\n`;
}
