import { Option, type Command } from 'commander';
import type { RuleListFlags } from '../nouns/rules.ts';
import type { RuleCheckFlags } from '../rules/check.ts';
import type { RuleFormatFlags } from '../rules/format.ts';
import type { RuleTestFlags } from '../rules/test.ts';
import type { FollowFlags } from '../server-client.ts';
import { following } from './asking.ts';
import { wholeNumber } from './numbers.ts';

/** `omoi rules …` */
export function defineRules(program: Command): void {
  const rules = program.command('rules').description('Prometheus rule files, and the rules that are loaded');
  rules
    .command('check')
    .description(
      'check Prometheus rule files as promtool does; exit 1 where one is refused, 3 where --lint-fatal finds something',
    )
    .argument('[file...]', 'files, or folders of them; - or none for what is piped in')
    .addOption(
      new Option('--lint <what>', 'what is looked for beside mistakes')
        .choices(['all', 'duplicate-rules', 'none'])
        .default('duplicate-rules'),
    )
    .option('--lint-fatal', 'exit 3 where the lint finds something')
    .option(
      '--enable-feature <names>',
      'what is on of the language that is experimental in Prometheus, with commas between; may be repeated',
      repeated,
      [],
    )
    .option('--ignore-unknown-fields', 'pass over keys that nobody knows')
    .option('--junit <file>', 'write the result as JUnit XML, too')
    .option('--json', 'print the result as JSON')
    .action(async (files: string[], flags: RuleCheckFlags) => {
      const { checkRules } = await import('../rules/check.ts');
      process.exitCode = await checkRules(files, flags);
    });
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
  rules
    .command('format')
    .description(
      'write rule files in one form: keys in their order, expressions and durations as everybody writes them',
    )
    .argument('[file...]', 'files, or folders of them; - or none for what is piped in')
    .option('--check', 'write nothing; exit 1 where a file is not formatted')
    .option('--stdout', 'print the result, and leave the files as they are')
    .action(async (files: string[], flags: RuleFormatFlags) => {
      const { formatRules } = await import('../rules/format.ts');
      process.exitCode = await formatRules(files, flags);
    });
  following(rules.command('list'))
    .description('the rules that are loaded: what they do, and what they cost')
    .addOption(
      new Option('--state <state>', 'alerting rules alone').choices(['firing', 'pending', 'inactive']),
    )
    .addOption(new Option('--health <health>', 'how evaluation goes').choices(['ok', 'err', 'unknown']))
    .addOption(new Option('--kind <kind>', 'of this kind alone').choices(['alerting', 'recording']))
    .option('--group <name>', 'of this group alone')
    .option('--file <file>', 'of this file alone, as the server names it')
    .option('--text <text>', 'what stands in the name, the group, the expression, the file or a label')
    .addOption(
      new Option('--sort <order>', 'as they stand in their files, or the highest first')
        .choices(['place', 'cost', 'delay', 'duration'])
        .default('place'),
    )
    .option('--limit <number>', 'so many at most', wholeNumber, 1000)
    .action(async (flags: RuleListFlags) => {
      const { listRules } = await import('../nouns/rules.ts');
      await listRules(flags);
    });
  following(rules.command('show'))
    .description('one rule: how it does, what it reads and who sends that, which policies stand on it')
    .argument('<rule>', 'group/name, or the name where no other rule has it')
    .action(async (word: string, flags: FollowFlags) => {
      const { showRule } = await import('../nouns/rules.ts');
      await showRule(word, flags);
    });
}

function repeated(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}
