import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { runScript } from './script-runner.ts';

/**
 * `run.ts [DIR …] [--verbose]`: runs the scripts of folders (not of their subfolders) and prints passed and failed
 * evals a file, then the sum. Exits with 1 where something failed, with 2 where there was nothing to run.
 */
async function main(args: readonly string[]): Promise<number> {
  const verbose = args.includes('--verbose');
  const named = args.filter((arg) => !arg.startsWith('--'));
  const folders = named.length > 0 ? named : [defaultFolder()];
  const files = folders.flatMap(scriptsIn);
  if (files.length === 0) {
    console.error(`no scripts (*.test) in ${folders.join(', ')}`);
    return 2;
  }
  let passed = 0;
  let failed = 0;
  for (const file of files) {
    const report = await runScript(readFileSync(file, 'utf8'));
    passed += report.passed;
    failed += report.failures.length;
    const counts = `${report.passed} passed, ${report.failures.length} failed`;
    console.log(`${basename(file)}: ${counts}`);
    if (!verbose) continue;
    for (const { line, query, problem } of report.failures) {
      console.log(`  ${file}:${line}: ${query}\n    ${problem}`);
    }
  }
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

function defaultFolder(): string {
  const root =
    process.env['OMOI_CONFORMANCE_DIR'] ?? resolve(import.meta.dirname, '../../../../shared/conformance');
  return join(root, 'promql');
}

function scriptsIn(folder: string): readonly string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith('.test'))
    .sort()
    .map((name) => join(folder, name));
}

process.exitCode = await main(process.argv.slice(2));
