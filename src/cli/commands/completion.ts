import { Argument, type Command } from 'commander';
import { examples } from './asking.ts';

/** `omoi completion` */
export function defineCompletion(program: Command): void {
  const completion = program
    .command('completion')
    .description('print what makes a shell complete commands and options')
    .addArgument(new Argument('<shell>', 'which').choices(['bash', 'zsh', 'fish']))
    .action(async (shell: 'bash' | 'zsh' | 'fish') => {
      const { completionScript } = await import('../completion.ts');
      process.stdout.write(completionScript(shell, program));
    });
  examples(completion, [
    ['source <(omoi completion bash)', 'in ~/.bashrc; zsh the same, behind compinit'],
    ['omoi completion fish | source', 'in ~/.config/fish/config.fish'],
  ]);
}
