import type { Command, Option } from 'commander';
import { expect, it } from 'vitest';
import { createProgram } from './program.ts';

const COMMON: ReadonlySet<string> = new Set(['--json', '--url', '--data-directory', '--follow']);

const INTRODUCTION = `# The command line

**omoi NOUN VERB**, and one word for what is typed all day. This page is written from the program itself; \`--help\` behind each command
says the same, with examples.

**Which server** is asked, by the first that says something: \`--url\` or \`--data-directory\`; \`OMOI_URL\`;
\`OMOI_DATA_DIRECTORY\`; a server that runs on \`.omoi\` in the present directory; the last \`omoi login\`. Who owns the data directory of
a server of this machine is its admin. Elsewhere a token is needed: \`OMOI_TOKEN\`, or the one that \`omoi login\` has kept in
\`$XDG_CONFIG_HOME/omoi/logins.json\` (\`~/.config\` where that is not set), readable by its owner alone. Never on the command line, where
everybody on the machine would see it.

**What is printed**: tables that fit the terminal, in which what identifies is never cut; whole lines in a pipe. Colours only in a
terminal, and none with \`NO_COLOR\`. \`--json\` prints what the server answers, in a line; with \`-f\` a line for each row that changes.
\`-f\` hears of changes from the server, and goes on where it was when the server comes back; \`omoi query\` asks
again instead, every 5 s or as \`--step\` says. What agents say is shown and never acts on the terminal.

**Exit codes**: 0 done; 1 refused, not found, or a check that found something; 2 the command line itself was wrong. Of an order to
several the others are done all the same. \`omoi run\` ends with the code of its command, \`omoi gameday run\` with 77 where this
machine cannot play it.

**Completion**: \`source <(omoi completion bash)\` in bash, and the same in zsh; in fish \`omoi completion fish\`, piped into \`source\`.
`;

/** docs/cli.md: \`npm run unit -- src/cli/command-page -u\` writes it anew. */
function page(program: Command): string {
  const nouns = program.commands.filter(({ commands }) => commands.length > 0);
  const words = program.commands
    .filter(({ commands }) => commands.length === 0)
    .map((command) => ({ command, path: ['omoi', command.name()] }));
  const verbs = nouns.flatMap((noun) => leavesOf(noun, ['omoi', noun.name()]));
  const long = (word: Leaf) => verbs.find((verb) => helpOf(verb.command) === helpOf(word.command));
  return [
    INTRODUCTION,
    ...nouns.map((noun) =>
      section(`omoi ${noun.name()}`, noun.description(), leavesOf(noun, ['omoi', noun.name()])),
    ),
    section(
      'One word',
      'what is no noun',
      words.filter((word) => !long(word)),
    ),
    '## Short for\n',
    row(['command', 'is']),
    '|---|---|',
    ...words.flatMap((word) => {
      const meant = long(word);
      return meant ? [row([`\`${usage(word.command, word.path)}\``, `\`${meant.path.join(' ')}\``])] : [];
    }),
    '',
  ].join('\n');
}

interface Leaf {
  readonly command: Command;
  readonly path: readonly string[];
}

function leavesOf(noun: Command, path: readonly string[]): readonly Leaf[] {
  return noun.commands.map((command) => ({ command, path: [...path, command.name()] }));
}

/** What two commands have in common that are one. */
function helpOf(command: Command): string {
  return command.helpInformation().replace(/^Usage: .*$/m, '');
}

function section(title: string, description: string, leaves: readonly Leaf[]): string {
  const options = leaves.flatMap(({ command, path }) =>
    command.options
      .filter(isOwn)
      .map((option) => row([path.slice(1).join(' '), `\`${option.flags}\``, about(option)])),
  );
  return [
    `## ${title}`,
    `${sentence(description)}\n`,
    row(['command', 'what it does']),
    '|---|---|',
    ...leaves.map(({ command, path }) =>
      row([`\`${usage(command, path)}\``, command.description() + followed(command)]),
    ),
    ...(options.length > 0 ? ['', row(['of', 'option', '']), '|---|---|---|', ...options] : []),
    '',
  ].join('\n');
}

function followed({ options }: Command): string {
  return options.some(({ long }) => long === '--follow') ? ' (`-f`)' : '';
}

function isOwn({ long }: Option): boolean {
  return !COMMON.has(long ?? '');
}

function about({ description, argChoices, defaultValue }: Option): string {
  const choices = argChoices ? `: ${argChoices.join(', ')}` : '';
  const isSaid = typeof defaultValue === 'string' || typeof defaultValue === 'number';
  return `${description}${choices}${isSaid ? ` (default: ${defaultValue})` : ''}`;
}

/** As it is typed at least: its arguments and the options that it can't do without. */
function usage(command: Command, path: readonly string[]): string {
  const args = command.registeredArguments.map((argument) => {
    const name = argument.name().toUpperCase() + (argument.variadic ? '…' : '');
    return argument.required ? name : `[${name}]`;
  });
  const options = command.options
    .filter(({ mandatory, defaultValue }) => mandatory && defaultValue === undefined)
    .map(({ long, flags }) => `${long} ${(/<(.*)>/.exec(flags)?.[1] ?? '').toUpperCase()}`);
  const isWrapper = path.at(-1) === 'run' && path.length === 2;
  return [...path, ...options, ...(isWrapper ? ['--'] : []), ...args].join(' ');
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replace(/<(?=[^`]*$)/g, '&lt;')).join(' | ')} |`;
}

it('is what docs/cli.md says', async () => {
  await expect(page(createProgram('0.0.0'))).toMatchFileSnapshot('../../docs/cli.md');
});
