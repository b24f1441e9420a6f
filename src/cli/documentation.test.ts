import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command, Option } from 'commander';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { parseRuleFile } from '#alerting';
import { readConfigurationFile } from '#notification';
import { createEngine, parseMatcher } from '#promql';
import { loadConfig } from '#server';
import { VirtualClock } from '#telemetry';
import { BLOCKS, codeIn, PAGES, ROOT } from '../documentation.test-support.ts';
import { PolicyRegistry } from '../watchdog/policies/policy-registry.ts';
import { unpaced } from '../alerting/rules/unpaced.test-support.ts';
import { loadExperiment } from './gameday/experiment.ts';
import { leavesOf } from './leaves.test-support.ts';
import { createProgram } from './program.ts';
import { parseRuleTestFile } from './rules/testing/test-file.ts';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'omoi-docs-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

/** A file that the text names, and that only the reader's machine has. */
function withSecrets(text: string): string {
  const secret = join(directory, 'secret');
  writeFileSync(secret, 'secret');
  return text.replace(/(_file: )[^\s,}]+/g, `$1${secret}`);
}

function loadAsConfig(text: string): void {
  const file = join(directory, 'omoi.yaml');
  writeFileSync(file, withSecrets(text));
  loadConfig({ file, environment: {} });
}

function loadAsRules(text: string): void {
  const engine = createEngine({ clock: new VirtualClock() });
  parseRuleFile({ name: 'rules.yaml', text }, (expr) => void engine.prepare(expr));
}

function loadAsRuleTests(text: string): void {
  const engine = createEngine({ clock: new VirtualClock() });
  parseRuleTestFile({ name: 'tests.yaml', text }, (expr) => void engine.prepare(expr));
}

function loadAsGameday(text: string): void {
  const file = join(directory, 'gameday.yaml');
  writeFileSync(file, text);
  loadExperiment(file);
}

/** What a part of a configuration leaves to the rest of it. */
const GLOBAL =
  'global: { slack_api_url: "http://localhost/x", smtp_smarthost: localhost:25, smtp_from: a@localhost }';

/** A whole configuration of routing, or a part: what it needs besides is put to it. Its templates lie on the reader's machine. */
async function loadAsRouting(text: string): Promise<void> {
  const { receivers } = parse(text) as { receivers?: readonly { name: string }[] };
  const rest = [
    ...(/^global:/m.test(text) ? [] : [GLOBAL]),
    ...(/^route:/m.test(text) ? [] : [`route: { receiver: ${receivers?.[0]?.name ?? 'team'} }`]),
    ...(receivers ? [] : ['receivers: [{ name: team }]']),
  ];
  const files = { list: () => Promise.resolve([]), read: () => Promise.reject(new Error('no such file')) };
  await readConfigurationFile(
    { name: 'alertmanager.yml', text: `${text}${rest.join('\n')}\n`, directory },
    { files, templates: 'unread' },
  );
}

/** What a block of YAML is, by how it begins, and what reads it. Null: it is for another program. */
const LOADERS: readonly (readonly [RegExp, ((text: string) => void | Promise<void>) | null])[] = [
  [/^write_relabel_configs:/, null],
  [/^alerting:\n +alertmanagers:/, null],
  [/^title: /, loadAsGameday],
  [/^groups:/, loadAsRules],
  [/^rule_files:/, loadAsRuleTests],
  [/^- alert:/, (text) => loadAsRules(`groups:\n- name: g\n  rules:\n${text.replace(/^/gm, '  ')}`)],
  [
    /^name: /,
    (text) => void unpaced(new PolicyRegistry(null, parseMatcher).parse([{ name: 'policy.yaml', text }])),
  ],
  [/^(?:global|route|receivers|inhibit_rules|(?:mute_)?time_intervals|templates|x-omoi):/, loadAsRouting],
  [/^[a-z_]+:/, loadAsConfig],
];

describe('the blocks of YAML in the documentation', () => {
  const blocks = BLOCKS.filter(({ language }) => language === 'yaml');

  it('are there', () => {
    expect(blocks.length).toBeGreaterThan(8);
    expect(new Set(blocks.map(({ page }) => page))).toContain('README.md');
  });

  it.each(blocks)('$page:$line is read by what it is for', async ({ text }) => {
    const [, load] = LOADERS.find(([begin]) => begin.test(text)) ?? [];
    expect(load, 'nobody knows what it is').not.toBeUndefined();
    if (load) await load(text);
    else expect(parse(text)).toBeTypeOf('object');
  });
});

interface Line {
  readonly page: string;
  readonly words: readonly string[];
}

/** `omoi …`, `bin/omoi …` and what npm runs, in code of a line or a block, without comments and what is optional. */
const COMMAND = /(?:^|\s)(?:(?:bin\/|npx )?omoi|npm|npx vitest)(?: .*)?$/;

function linesOf(page: string): readonly Line[] {
  const fenced = BLOCKS.filter((block) => block.page === page && ['', 'sh'].includes(block.language))
    .flatMap(({ text }) => text.replaceAll('\\\n', ' ').split('\n'))
    .map((line) => line.replace(/\s+#.*/, ''));
  const written = [...codeIn(page), ...fenced].map((line) => COMMAND.exec(line)?.[0].trim() ?? '');
  return written.filter((line) => line !== '').map((line) => ({ page, words: wordsOf(line) }));
}

/** `'a b'` is one word; brackets say what may be left out, `\|` what may be chosen from. */
function wordsOf(line: string): readonly string[] {
  const words = line.replaceAll('\\|', '|').match(/'[^']*'|"[^"]*"|[^\s[\]]+/g) ?? [];
  return words.filter((word) => word !== 'npx' && word !== '…');
}

/** What npm does itself. */
const OF_NPM = ['ci', 'install', 'pack'];

/** Alerts say, too, what is to be typed. */
const LINES = [...PAGES, 'config/alert_rules/fleet.yaml'].flatMap(linesOf);

/** What is wrong with a line of `omoi`; null where it can be typed. */
function mistakeIn(words: readonly string[]): string | null {
  const program = createProgram('0');
  const [, first = '', ...rest] = words;
  if (first === '') return null;
  const command = named(program, first);
  if (!command) return `there is no command ${first}`;
  if (command.commands.length === 0) return mistakeInArguments([program, command], rest);
  const [verbs = '', ...args] = rest;
  for (const verb of verbs.split('|').filter((name) => name !== '')) {
    const chosen = named(command, verb);
    if (!chosen) return `there is no command ${first} ${verb}`;
    const mistake = verbs.includes('|') ? null : mistakeInArguments([program, command, chosen], args);
    if (mistake) return mistake;
  }
  return null;
}

function named(command: Command, word: string): Command | undefined {
  return command.commands.find((known) => known.name() === word || known.aliases().includes(word));
}

/** @param path the command behind those that it belongs to, whose options it takes, too */
function mistakeInArguments(path: readonly Command[], words: readonly string[]): string | null {
  // A command that is only mentioned.
  if (words.length === 0) return null;
  const options = path.flatMap((command) => command.options);
  const given = new Set<Option>();
  let positional = 0;
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    if (word === '--') {
      positional += words.length - at - 1;
      break;
    }
    if (!word.startsWith('-')) {
      positional++;
      continue;
    }
    const option = options.find(({ long, short }) => long === word || short === word);
    if (!option) return `there is no option ${word}`;
    given.add(option);
    if (option.required && ++at >= words.length) return `${word} lacks its value`;
  }
  const missing = options.find((option) => option.mandatory && !given.has(option));
  if (missing) return `${missing.long ?? ''} is missing`;
  const wanted = path.at(-1)?.registeredArguments ?? [];
  if (positional < wanted.filter(({ required }) => required).length) return 'an argument is missing';
  if (positional > wanted.length && wanted.at(-1)?.variadic !== true) return 'there is an argument too many';
  return null;
}

/** What the help of a command shows behind `Example:`, without comments, pipes and redirections. */
function examplesOf(command: Command): readonly string[] {
  let help = '';
  command.configureOutput({ writeOut: (text) => (help += text) });
  command.outputHelp();
  const [, shown = ''] = /^Examples?:\n(.*)/ms.exec(help) ?? [];
  return shown
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.replace(/\s+# .*/, '').replace(/ [|<] .*|\)$/g, ''))
    .map((line) => /\bomoi\b.*/.exec(line)?.[0] ?? line);
}

describe('the help of each command', () => {
  const program = createProgram('0');
  const leaves = [...leavesOf(program)];

  it.each(leaves)('`omoi %s --help` has examples, which can be typed', (path, command) => {
    const lines = examplesOf(command);
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.filter((line) => !line.startsWith(`omoi ${path}`))).toEqual([]);
    expect(lines.map((line) => [line, mistakeIn(wordsOf(line))])).toEqual(lines.map((line) => [line, null]));
  });

  it('of a noun has one of each of its verbs', () => {
    const nouns = program.commands.filter(({ commands }) => commands.length > 0);
    expect(nouns.length).toBeGreaterThan(8);
    for (const noun of nouns) {
      const lines = examplesOf(noun);
      expect(lines.map((line) => line.split(' ')[2])).toEqual(noun.commands.map((verb) => verb.name()));
    }
  });
});

describe('the command lines in the documentation', () => {
  const isOmoi = ({ words }: Line): boolean => /(^|\/)omoi$/.test(words[0] ?? '');

  it('are there', () => {
    expect(LINES.filter(isOmoi).length).toBeGreaterThan(10);
    expect(LINES.filter((line) => !isOmoi(line)).length).toBeGreaterThan(10);
  });

  it.each(LINES.filter(isOmoi))('$page: $words can be typed', ({ words }) => {
    expect(mistakeIn(words)).toBeNull();
  });

  it.each([
    ['omoi allerts', 'there is no command allerts'],
    ['omoi token forget ID', 'there is no command token forget'],
    ['omoi serve --port 1', 'there is no option --port'],
    ['omoi token create NAME', '--role is missing'],
    ['omoi run --pool coders', 'an argument is missing'],
    ['omoi gameday run a.yaml b.yaml', 'there is an argument too many'],
  ])('would be refused: %s', (line, mistake) => {
    expect(mistakeIn(line.split(' '))).toBe(mistake);
  });

  it.each(LINES.filter((line) => !isOmoi(line)))('$page: $words names what there is', ({ words }) => {
    const [program, verb = '', ...rest] = words;
    if (program === 'vitest') return expectVitest(words);
    if (OF_NPM.includes(verb)) return;
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      scripts: Readonly<Record<string, string>>;
    };
    const [script = ''] = verb === 'run' ? rest : [verb];
    expect(Object.keys(scripts)).toContain(script);
    const [dashes, name = ''] = rest.slice(1);
    if (script !== 'bench' || dashes !== '--' || /^[A-Z]/.test(name)) return;
    expect(existsSync(join(ROOT, 'bench', `${name}.ts`)), `bench ${name}`).toBe(true);
  });

  function expectVitest(words: readonly string[]): void {
    const project = words[words.indexOf('--project') + 1] ?? '';
    expect(readFileSync(join(ROOT, 'vitest.config.ts'), 'utf8')).toContain(`name: '${project}'`);
    const paths = words.filter((word) => word.includes('/'));
    expect(paths.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  }
});
