import { writeFileSync } from 'node:fs';

/** A thing that was checked or tested. */
export interface JunitCase {
  readonly name: string;
  /** What is wrong with it; none where nothing is. */
  readonly failures: readonly string[];
}

/** What was checked or tested of a file. */
export interface JunitSuite {
  readonly name: string;
  readonly cases: readonly JunitCase[];
}

/** Writes results in the XML that servers of continuous integration read. @throws Error where the file can't be written */
export function writeJunit(file: string, suites: readonly JunitSuite[]): void {
  writeFileSync(file, junitOf(suites));
}

export function junitOf(suites: readonly JunitSuite[]): string {
  const lines = [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="omoi rules"${countsOf(suites.flatMap(({ cases }) => cases))}>`,
  ];
  for (const { name, cases } of suites) {
    lines.push(`  <testsuite name="${escaped(name)}"${countsOf(cases)}>`);
    for (const one of cases) lines.push(...caseLines(name, one));
    lines.push('  </testsuite>');
  }
  lines.push('</testsuites>', '');
  return lines.join('\n');
}

function countsOf(cases: readonly JunitCase[]): string {
  const failed = cases.filter(({ failures }) => failures.length > 0).length;
  return ` tests="${cases.length}" failures="${failed}" errors="0"`;
}

function caseLines(suite: string, { name, failures }: JunitCase): readonly string[] {
  const opened = `    <testcase classname="${escaped(suite)}" name="${escaped(name)}"`;
  if (failures.length === 0) return [`${opened}/>`];
  const told = failures.map((failure) => {
    const [first = ''] = failure.split('\n');
    return `      <failure message="${escaped(first)}">${escaped(failure)}</failure>`;
  });
  return [`${opened}>`, ...told, '    </testcase>'];
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};
/** What XML 1.0 has no way to write. */
const UNWRITABLE = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu;

function escaped(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(UNWRITABLE, '\ufffd')
    .replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}
