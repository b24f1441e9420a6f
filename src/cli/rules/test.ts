import { writeFileSync } from 'node:fs';
import { compileRegex, messageOf, OmoiError } from '#telemetry';
import { aside } from '../terminal/aside.ts';
import { wantsColours } from '../terminal/colours.ts';
import { printJson, printLines } from '../terminal/print.ts';
import { RedrawnLines } from '../terminal/redrawn-lines.ts';
import { featuresOf } from './rule-features.ts';
import { junitXml } from './testing/junit.ts';
import { reportJson } from './testing/report-json.ts';
import { fileLines, painter, sumLine } from './testing/report-text.ts';
import { storedLines } from './testing/stored-text.ts';
import { isGoodFile } from './testing/test-report.ts';
import { testRuleFiles, type RuleTestOptions, type TestProgress } from './testing/test-rule-files.ts';

export interface RuleTestFlags {
  readonly json?: boolean;
  readonly junit?: string;
  readonly run?: readonly string[];
  readonly enableFeature?: readonly string[];
  readonly ignoreUnknownFields?: boolean;
  readonly debug?: boolean;
}

/** So much time lies between two lines of progress, ms. */
const PROGRESS_EVERY_MS = 200;

/**
 * `omoi rules test`: without a server.
 * @returns the exit status: 1 where a test failed or a file is refused
 * @throws OmoiError `invalid_request` for flags that mean nothing
 */
export async function testRules(files: readonly string[], flags: RuleTestFlags): Promise<number> {
  const progress = progressOn(process.stderr);
  const reports = await testRuleFiles(files, {
    features: featuresOf(flags.enableFeature ?? []),
    run: filterOf(flags.run ?? []),
    keepsSeries: flags.debug === true,
    ignoresUnknownKeys: flags.ignoreUnknownFields === true,
    ...(progress && { onProgress: (state: TestProgress) => progress.show(state) }),
  });
  progress?.end();
  for (const report of reports) for (const line of storedLines(report)) aside(line);
  if (flags.junit !== undefined) writeFileSync(flags.junit, junitXml(reports));
  if (flags.json === true) printJson(reportJson(reports));
  else {
    const paint = painter(wantsColours(process.stdout));
    printLines([...reports.flatMap((report) => fileLines(report, paint)), sumLine(reports, paint)]);
  }
  return reports.every(isGoodFile) ? 0 : 1;
}

/** Tests whose name one of the expressions is found in; null: all. */
function filterOf(expressions: readonly string[]): NonNullable<RuleTestOptions['run']> | null {
  if (expressions.length === 0) return null;
  const regexes = expressions.map((expression) => {
    try {
      return compileRegex(expression, 'in_line');
    } catch (thrown) {
      throw new OmoiError('invalid_request', `--run: ${messageOf(thrown)}`);
    }
  });
  return { test: (name) => regexes.some((regex) => regex.matcher(name).find()) };
}

/** How far the tests are, on one line of a terminal; null where there is none. */
function progressOn(screen: NodeJS.WriteStream) {
  if (!screen.isTTY) return null;
  const lines = new RedrawnLines(screen);
  let shownMs = performance.now();
  let wasShown = false;
  return {
    show({ done, file, tests }: TestProgress): void {
      const nowMs = performance.now();
      if (nowMs - shownMs < PROGRESS_EVERY_MS) return;
      shownMs = nowMs;
      wasShown = true;
      lines.show([`${file}: ${Math.floor(done)} of ${tests} tests (${Math.floor((100 * done) / tests)} %)`]);
    },
    /** What comes next stands where the line was. */
    end(): void {
      if (wasShown) screen.write('\u001b[1A\u001b[J');
    },
  };
}
