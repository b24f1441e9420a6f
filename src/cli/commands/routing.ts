import type { Command } from 'commander';
import type { ServerFlags } from '../server-client.ts';
import { asking } from './asking.ts';

/** Where a tree comes from: a file, or the server that is asked. */
export interface TreeFlags extends ServerFlags {
  readonly file?: string;
}

export interface TestFlags extends TreeFlags {
  readonly tree?: boolean;
  readonly verify?: string;
}

/** `omoi routing …` */
export function defineRouting(program: Command): void {
  const routing = program.command('routing').description('which alert goes to whom: the routing tree');
  routing
    .command('check')
    .description(
      'check Alertmanager configurations with what Omoi adds to them, and their templates; exit 1 where one is refused',
    )
    .argument('<file...>', 'the files, - for what is piped in')
    .option('--json', 'print what was found as JSON')
    .action(async (files: string[], flags: { readonly json?: boolean }) => {
      const { checkRouting } = await import('../routing/check.ts');
      process.exitCode = await checkRouting(files, flags);
    });
  fromFile(routing.command('show'))
    .description('print the tree: what each route matches, whom it tells, and what it does not inherit')
    .action(async (flags: TreeFlags) => {
      const { showRouting } = await import('../routing/show.ts');
      await showRouting(flags);
    });
  fromFile(routing.command('test'))
    .description('say to whom an alert with these labels would go; exit 1 where --verify names others')
    .argument('[labels...]', 'the labels of the alert, name=value each')
    .option('--tree', 'show the way through the tree, and why each route was taken or not')
    .option(
      '--verify <receivers>',
      'the receivers that it has to go to, in their order, with commas between them',
    )
    .action(async (labels: string[], flags: TestFlags) => {
      const { testRouting } = await import('../routing/test.ts');
      process.exitCode = await testRouting(labels, flags);
    });
}

function fromFile(command: Command): Command {
  return asking(command).option('--file <file>', 'a configuration instead of what the server has loaded');
}
