import { printable } from '../query/printable.ts';
import { VERDICTS, type ImportedFile, type ImportFinding, type Verdict } from './finding.ts';

/** What stands before a line: what becomes of what it names. */
const WORDS: Readonly<Record<Verdict, string>> = {
  runs: 'runs',
  differs: 'differs',
  stays: 'stays',
  unused: 'not used',
  refused: 'REFUSED',
};
const WIDTH = 8;

/** How rules are run otherwise than by Prometheus, whatever they say; `--exactly-as-prometheus` is told of where it helps. */
export const ABOUT_ALL_RULES: readonly string[] = [
  'a rule is evaluated when its samples arrive, and at its interval, too (not with --exactly-as-prometheus)',
  'an alert resolves when its condition has been false for 1 s (at once with --exactly-as-prometheus)',
  'an alert whose samples are gone, or whose rule fails, does not read as recovered: its end has a cause',
];

/** The report for a person: file by file, the worst last, where it is seen. */
export function linesOfReport(files: readonly ImportedFile[]): readonly string[] {
  return files.flatMap(({ path, what, findings }) => [
    `${printable(path)}: ${what}`,
    ...byVerdict(findings).map(lineOf),
    '',
  ]);
}

function byVerdict(findings: readonly ImportFinding[]): readonly ImportFinding[] {
  return VERDICTS.flatMap((verdict) => findings.filter((finding) => finding.verdict === verdict));
}

function lineOf({ verdict, place, message }: ImportFinding): string {
  const where = place === null ? '' : `${place}  `;
  return `  ${WORDS[verdict].padEnd(WIDTH)} ${where}${printable(message)}`;
}

/** The report for programs. */
export function reportJson(files: readonly ImportedFile[]): readonly object[] {
  return files.map(({ path, what, findings }) => ({
    file: path,
    what,
    findings: findings.map(({ verdict, place, message }) => {
      const [line = null, column = null] = place === null ? [] : place.split(':').map(Number);
      return { verdict, line, column, message };
    }),
  }));
}
