import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { configurationsIn, judge } from './verdicts.ts';

/**
 * `run.ts [DIR …]`: judges the configurations of folders by their names, and prints those that are judged otherwise, then the
 * sum. Exits with 1 where there are such, with 2 where there was nothing to judge.
 */
async function main(named: readonly string[]): Promise<number> {
  const folders = (named.length > 0 ? named : [defaultFolder()]).map((folder) => resolve(folder));
  const missing = folders.filter((folder) => !existsSync(folder));
  const cases = folders
    .filter((folder) => !missing.includes(folder))
    .flatMap((folder) => configurationsIn(folder).map((file) => ({ folder, file })));
  if (missing.length > 0 || cases.length === 0) {
    console.error(`no configurations (*.yml) in ${(missing.length > 0 ? missing : folders).join(', ')}`);
    return 2;
  }
  let failed = 0;
  for (const { folder, file } of cases) {
    const { problem } = await judge(folder, file);
    if (problem === null) continue;
    failed++;
    console.log(`${join(folder, file)}\n  ${problem.replaceAll('\n', '\n  ')}`);
  }
  console.log(`${cases.length - failed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

function defaultFolder(): string {
  const root =
    process.env['OMOI_CONFORMANCE_DIR'] ?? resolve(import.meta.dirname, '../../../../shared/conformance');
  return join(root, 'alertmanager');
}

process.exitCode = await main(process.argv.slice(2));
