import { describe, expect, it } from 'vitest';
import { createProgram } from './program.ts';

describe('a wrong command line', () => {
  it.each([
    ['an unknown command', ['bogus'], 'commander.unknownCommand'],
    ['an unknown option', ['serve', '--prot', '1'], 'commander.unknownOption'],
    ['an argument too many', ['serve', 'extra'], 'commander.excessArguments'],
    ['a missing argument', ['query'], 'commander.missingArgument'],
    [
      'a missing option of a command below',
      ['token', 'create', 'a'],
      'commander.missingMandatoryOptionValue',
    ],
    [
      'a number that is none',
      ['token', 'create', 'a', '--role', 'agent', '--pool', 'p', '--max-agents', 'many'],
      'commander.invalidArgument',
    ],
  ])('%s is thrown and ends nothing', async (_, args, code) => {
    const program = createProgram('0.0.0').configureOutput({ writeErr: () => {} });
    for (const command of program.commands.flatMap((known) => [known, ...known.commands]))
      command.configureOutput({ writeErr: () => {} });
    await expect(program.parseAsync(args, { from: 'user' })).rejects.toMatchObject({ code });
  });
});
