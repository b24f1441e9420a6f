import { Option, type Command } from 'commander';
import type { RuleCheckFlags } from '../rules/check.ts';

/** `omoi rules …` */
export function defineRules(program: Command): void {
  const rules = program.command('rules').description('Prometheus rule files, and the rules that are loaded');
  withFeatures(rules.command('check'))
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
    .option('--ignore-unknown-fields', 'let keys pass that mean nothing')
    .option('--junit <file>', 'write the result as JUnit XML, too')
    .option('--json', 'print the result as JSON')
    .action(async (files: string[], flags: RuleCheckFlags) => {
      const { checkRules } = await import('../rules/check.ts');
      process.exitCode = await checkRules(files, flags);
    });
}

function withFeatures(command: Command): Command {
  return command.option(
    '--enable-feature <names>',
    'what is on of the experimental language, as promql.features has it, with commas between',
  );
}
