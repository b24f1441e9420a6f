import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { isPromtoolInstalled } from './promtool.ts';
import { judge, ruleFilesIn } from './verdicts.ts';

/**
 * `run.ts [DIR …] [--verbose]`: checks the rule files of folders and runs their unit tests, each file as what it is, and prints those
 * that are judged otherwise than promtool does, then the sum. Exits with 1 where there are such, with 2 where there was nothing to judge.
 */
async function main(args: readonly string[]): Promise<number> {
  const isVerbose = args.includes('--verbose');
  const named = args.filter((arg) => !arg.startsWith('--'));
  const folders = (named.length > 0 ? named : [defaultFolder()]).map((folder) => resolve(folder));
  const missing = folders.filter((folder) => !existsSync(folder));
  const cases = folders
    .filter((folder) => !missing.includes(folder))
    .flatMap((folder) => ruleFilesIn(folder).map((file) => ({ folder, file })));
  if (missing.length > 0 || cases.length === 0) {
    console.error(`no rule files (*.yml, *.yaml) in ${(missing.length > 0 ? missing : folders).join(', ')}`);
    return 2;
  }
  const hasPromtool = isPromtoolInstalled();
  let failed = 0;
  for (const { folder, file } of cases) {
    const { kind, expected, by, refusal } = await judge(folder, file, hasPromtool);
    const isRight = (refusal === null) === expected;
    if (!isRight) failed++;
    if (isRight && !isVerbose) continue;
    const said = refusal === null ? 'good' : refusal.replaceAll('\n', '\n  ');
    console.log(
      `${isRight ? 'passed' : 'FAILED'} ${join(folder, file)}: ${kind}, ${expected ? 'good' : 'to be refused'} by ${by}\n  ${said}`,
    );
  }
  console.log(`${cases.length - failed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

function defaultFolder(): string {
  const root =
    process.env['OMOI_CONFORMANCE_DIR'] ?? resolve(import.meta.dirname, '../../../../shared/conformance');
  return join(root, 'rules');
}

process.exitCode = await main(process.argv.slice(2));
