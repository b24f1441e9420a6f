import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { leavesOf } from './leaves.test-support.ts';
import { createProgram, endsWithItsReader } from './program.ts';

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

/** Commands that ask no server, or only the one of this machine, and which of the common options they have. */
const OTHERS: Readonly<Record<string, readonly string[]>> = {
  serve: [],
  // What the command puts out is the command's own.
  run: ['--url', '--data-directory'],
  // Faults are made on the processes of this machine.
  'gameday run': ['--json', '--data-directory'],
  'gameday list': ['--json'],
  // Its file is made on this machine.
  backup: ['--json', '--data-directory'],
  check: ['--json'],
  login: ['--json'],
  logout: ['--json'],
  completion: [],
  'policies check': ['--json'],
  'routing check': ['--json'],
  'rules check': ['--json'],
  'rules format': [],
  'rules test': ['--json'],
  import: ['--json'],
};
const COMMON = ['--json', '--url', '--data-directory'];

describe('a mistyped command', () => {
  it.each([
    [['agnts'], 'agents'],
    [['agents', 'retsart', 'w-1'], 'restart'],
    [['remediations', 'aprove', 'rem_1'], 'approve'],
    [['watchdog', 'stat'], 'state'],
    [['alerts', 'list', '--severty', 'error'], '--severity'],
  ])('%j is answered with what was meant: %s', async (args, meant) => {
    let said = '';
    const program = createProgram('0.0.0');
    for (const command of [program, ...[...leavesOf(program)].map(([, leaf]) => leaf), ...program.commands])
      command.configureOutput({ writeErr: (text) => (said += text) });
    await expect(program.parseAsync(args, { from: 'user' })).rejects.toThrow();
    expect(said).toContain(`Did you mean ${meant}?`);
  });

  it('that is near none is answered with what there is', async () => {
    let said = '';
    const program = createProgram('0.0.0');
    for (const command of program.commands) command.configureOutput({ writeErr: (text) => (said += text) });
    await expect(program.parseAsync(['maintenance', 'add'], { from: 'user' })).rejects.toMatchObject({
      code: 'commander.unknownCommand',
    });
    expect(said).toBe("error: unknown command 'add'\n(Known are start, list, end)\n");
  });
});

describe('the words of the first day', () => {
  const program = createProgram('0.0.0');
  const find = (path: string): Command | undefined =>
    path
      .split(' ')
      .reduce<Command | undefined>((at, name) => at?.commands.find((one) => one.name() === name), program);
  const shown = (path: string): string => (find(path)?.helpInformation() ?? '').replace(/^Usage: .*$/m, '');

  it.each([
    ['ps', 'agents list'],
    ['why', 'agents why'],
    ['restart', 'agents restart'],
    ['ack', 'alerts ack'],
    ['approve', 'remediations approve'],
    ['pause', 'watchdog pause'],
    ['resume', 'watchdog resume'],
  ])('`omoi %s` is `omoi %s`', (word, meant) => {
    expect(shown(word)).not.toBe('');
    expect(shown(word)).toBe(shown(meant));
  });
});

describe('the common options', () => {
  const leaves = [...leavesOf(createProgram('0.0.0'))];

  it.each(leaves)('`omoi %s` has those that it can have', (name, command) => {
    const has = new Set(command.options.map(({ long }) => long));
    expect(COMMON.filter((option) => has.has(option))).toEqual(OTHERS[name] ?? COMMON);
  });

  it('are the same in all commands that ask a server', () => {
    const texts = leaves
      .filter(([name]) => !(name in OTHERS))
      .map(([, { options }]) =>
        options
          .filter(({ long }) => COMMON.includes(long ?? ''))
          .map((one) => `${one.flags} ${one.description}`),
      );
    expect(texts.length).toBeGreaterThan(8);
    for (const text of texts) expect(text).toEqual(texts[0]);
  });

  it('go on with -f wherever something is looked at that changes', () => {
    const looks = leaves.filter(([name]) =>
      /(?:^| )(?:list|show|why|state|parked|ps|status|events|logs|query)$/.test(name),
    );
    expect(looks.length).toBeGreaterThan(18);
    const once = looks.filter(([, command]) => !command.options.some(({ long }) => long === '--follow'));
    // These change when somebody changes a file.
    expect(once.map(([name]) => name)).toEqual(['gameday list', 'routing show']);
  });

  it('are told of no command that is gone', () => {
    expect(Object.keys(OTHERS).filter((name) => !leaves.some(([leaf]) => leaf === name))).toEqual([]);
  });
});

describe('where nobody reads any more', () => {
  it.each([
    [['alerts', 'list', '-f'], true],
    [['logs', 'w-1', '--follow'], true],
    [['serve', '--demo'], true],
    [['alerts', 'list'], false],
    [['check'], false],
    [['run', '--pool', 'p', '--', 'tail', '-f'], false],
    [['gameday', 'run', 'worker_hang'], false],
  ])('%s: whether the command has nothing left to do', async (args, ends) => {
    const program = createProgram('0.0.0');
    const leaves = [...leavesOf(program)].map(([, command]) => command);
    for (const command of leaves) command.action(() => undefined);
    await program.parseAsync(args, { from: 'user' });
    expect(endsWithItsReader(program)).toBe(ends);
  });
});
