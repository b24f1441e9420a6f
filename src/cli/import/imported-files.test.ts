import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkFiles, loadConfig } from '#server';
import { ImportedFiles } from './imported-files.ts';
import { recognize, type ImportedKind } from './recognize.ts';

const RULES = 'groups: [{name: "a: b", rules: [{alert: Down, expr: up == 0}, {record: r, expr: up}]}]\n';
const ROUTING =
  'route: {receiver: team}\nreceivers: [{name: team, webhook_configs: [{url: "http://h/x"}]}]\n';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'omoi-import-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

function write(name: string, text: string): string {
  const path = join(directory, name);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, text);
  return path;
}

async function importAll(...names: readonly string[]): Promise<ImportedFiles> {
  const files = new ImportedFiles();
  for (const name of names) await files.read(name);
  return files;
}

/** `verdict message` of each finding, without the folder of the test. */
const linesOf = (files: ImportedFiles) =>
  files
    .finish()
    .flatMap(({ findings }) => findings.map(({ verdict, message }) => `${verdict} ${message}`))
    .map((line) => line.replaceAll(`${directory}/`, ''));

describe('what a file is', () => {
  it.each<[ImportedKind, string, string]>([
    ['rules', 'a.yml', RULES],
    ['rules', 'a.yml', 'groups: [\n'],
    ['rule_tests', 'a.yml', 'rule_files: [a.yml]\nevaluation_interval: 1m\ntests: []\n'],
    ['alertmanager', 'a.yml', `global: {resolve_timeout: 5m}\n${ROUTING}`],
    ['prometheus', 'a.yml', 'global: {scrape_interval: 5m}\n'],
    ['prometheus', 'a.yml', 'rule_files: [a.yml]\n'],
    ['templates', 'a.txt', '{{ define "a" }}x{{ end }}'],
    ['templates', 'a.tmpl', 'route: x'],
    ['unknown', 'a.yml', ''],
    ['unknown', 'a.yml', '- a\n'],
    ['unknown', 'a.yml', 'name: a\n'],
  ])('%s', (kind, name, text) => {
    expect(recognize(name, text)).toBe(kind);
  });
});

describe('the configuration that is written', () => {
  it('starts, with the rules and the routing in force', async () => {
    write('rules/a.yml', RULES);
    const routing = write('am "1"\n#.yml', ROUTING);
    const prometheus = write(
      'prometheus.yml',
      'rule_files: ["rules/*.yml"]\nglobal: {external_labels: {"on": "yes: #1", cluster: eu}, evaluation_interval: 7s}\n',
    );
    const files = await importAll(prometheus, routing);
    const output = join(directory, 'omoi.yaml');
    writeFileSync(output, files.configuration({ output, exactlyAsPrometheus: true }));
    const config = loadConfig({ file: output, environment: {} });
    expect(config.alerting).toMatchObject({
      rule_files: [join(directory, 'rules/a.yml')],
      evaluation_interval: 7000,
      external_labels: { on: 'yes: #1', cluster: 'eu' },
      groups: { 'a: b': { evaluate: 'interval' } },
    });
    expect(config.notification.config_file).toBe(routing);
    expect(await checkFiles(config)).toEqual([]);
  });

  it('switches on what rules use of the experimental language, and no more', async () => {
    const rule = (expr: string) => RULES.replace('up == 0', `'${expr}'`);
    const files = await importAll(
      write('one.yml', rule('limitk(1, up) == 0')),
      write('two.yml', rule('up + fill(0) down').replace('a: b', 'c')),
      write('broken.yml', rule('limitk(1, up) ==')),
    );
    const output = join(directory, 'omoi.yaml');
    writeFileSync(output, files.configuration({ output }));
    const config = loadConfig({ file: output, environment: {} });
    expect(config.promql.features).toEqual(['promql-binop-fill-modifiers', 'promql-experimental-functions']);
    expect(await checkFiles(config)).toEqual([]);
    expect(linesOf(files)).toContainEqual(expect.stringMatching(/^refused .*could not parse expression/));
  });

  it('names a folder of which all is meant, so that what comes into it later is read, too', async () => {
    const all = ['a', 'b'].map((name) => write(`rules/${name}.yml`, RULES.replace('a: b', name)));
    const folder = join(directory, 'rules');
    const ofAll = await importAll(folder);
    expect(ofAll.configuration({ output: '-' })).toContain(`- ${folder}\n`);
    write('rules/c.yml', 'name: none\n');
    expect((await importAll(...all)).configuration({ output: '-' })).toContain('rules/a.yml\n');
  });
});

describe('the report', () => {
  it('names what is wrong with each file, and goes on', async () => {
    const files = await importAll(
      write('bad.yml', 'groups: [{name: a, rules: [{alert: A, expr: "up =="}]}]\n'),
      write('good.yml', RULES),
      write('other.yml', 'name: x\n'),
      write('routing.yml', ROUTING),
      write('second.yml', ROUTING),
      join(directory, 'none.yml'),
    );
    expect(linesOf(files)).toEqual([
      expect.stringMatching(/^refused .*could not parse expression/),
      'runs 1 alerting rule, 1 recording rule, 1 group',
      'unused no file of Prometheus or Alertmanager',
      'runs 1 route, 1 receiver, 0 inhibit rules, 0 time intervals',
      expect.stringMatching(/^differs people are told more/),
      'refused one routing is in force: routing.yml',
      'refused there is no such file',
    ]);
  });

  it('names rules that go before shipped ones, limits, and queries in templates', async () => {
    const text = [
      'groups:',
      '  - name: g',
      '    limit: 5',
      '    rules:',
      '      - alert: AgentFailed',
      '        expr: up == 0',
      '        annotations: {summary: "{{ with query \\"up\\" }}{{ . | first | value }}{{ end }}"}',
      '',
    ].join('\n');
    const files = await importAll(write('rules.yml', text));
    const found = files.finish().flatMap(({ findings }) => findings);
    expect(found.filter(({ verdict }) => verdict === 'differs')).toEqual([
      expect.objectContaining({ place: '3:5', message: expect.stringContaining('over its limit') }),
      expect.objectContaining({ place: '5:9', message: expect.stringContaining('replaces the rule') }),
      expect.objectContaining({ place: '5:9', message: expect.stringContaining('query') }),
    ]);
  });

  it('reads the rules of the Prometheus that is imported, relative to it, whatever its folder is called', async () => {
    const first = write('a [1]{x}/prometheus.yml', 'rule_files: ["rules/*.yml"]\n');
    write('a [1]{x}/rules/a.yml', RULES);
    symlinkSync('gone', join(directory, 'a [1]{x}/rules/b.yml'));
    const second = write('other/prometheus.yml', 'rule_files: ["rules/*.yml"]\n');
    write('other/rules/a.yml', RULES);
    const files = await importAll(first, second);
    expect(linesOf(files)).toContain('runs rules/*.yml: a [1]{x}/rules/a.yml');
    expect(linesOf(files)).toContain('refused one Prometheus is imported at a time');
    expect(files.finish().map(({ path }) => path)).not.toContain(join(directory, 'other/rules/a.yml'));
  });

  it('refuses what the server would refuse of the configuration', async () => {
    const files = await importAll(write('prometheus.yml', 'global: {evaluation_interval: 500ms}\n'));
    files.configuration({ output: 'omoi.yaml' });
    expect(linesOf(files)).toContainEqual(expect.stringMatching(/^refused "alerting.evaluation_interval"/));
  });

  it('reads a file once, however often it is named', async () => {
    const rules = write('rules.yml', RULES);
    const prometheus = write('prometheus.yml', 'rule_files: ["*.yml", "none/*.yml"]\n');
    const files = await importAll(rules, rules, prometheus);
    expect(linesOf(files).filter((line) => line.startsWith('runs 1 alerting'))).toHaveLength(1);
    expect(linesOf(files)).toContain('unused none/*.yml: no file');
  });
});
