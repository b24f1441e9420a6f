import { Option, type Command } from 'commander';
import type { RuleTestFlags } from '../rules/test.ts';

/** `omoi rules …` */
export function defineRules(program: Command): void {
  const rules = program.command('rules').description('rule files: what they say, and whether it is right');
  rules
    .command('test')
    .description(
      'run unit tests of rules, written as for promtool; exit 1 where one fails or a file is refused',
    )
    .argument('<file...>', 'the files of tests')
    .option('--run <regex>', 'only tests in whose name it is found; may be repeated', repeated, [])
    .option(
      '--enable-feature <names>',
      'what is on of the language that is experimental in Prometheus, with commas between; may be repeated',
      repeated,
      [],
    )
    .option('--ignore-unknown-fields', 'pass over keys of rule files that nobody knows')
    .option('--junit <file>', 'write what became of the tests for a CI server, too')
    .option('--debug', 'print all series of each test, as they are at its end')
    .addOption(new Option('--diff', 'always so; for the sake of command lines of promtool').hideHelp())
    .option('--json', 'print what became of each test as JSON')
    .action(async (files: string[], flags: RuleTestFlags) => {
      const { testRules } = await import('../rules/test.ts');
      process.exitCode = await testRules(files, flags);
    });
}

function repeated(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}
