import { dirname, resolve } from 'node:path';
import { messageOf, OmoiError } from '#telemetry';
import { parseConfig, readTextFile, SHIPPED_RULES, shippedNames } from '#server';
import { findingOf, type ImportedFile, type ImportFinding, type OmoiSetting } from './finding.ts';
import { folderOf, globbedFiles, namedFiles } from './find-files.ts';
import { importPrometheus, type ImportedPrometheus } from './import-prometheus.ts';
import { importRouting } from './import-routing.ts';
import { importRules } from './import-rules.ts';
import { writeConfiguration } from './omoi-configuration.ts';
import { KIND_NAMES, recognize, type ImportedKind } from './recognize.ts';
import { ABOUT_ALL_RULES } from './report.ts';

/** How the configuration is written. */
export interface ConfigurationFlags {
  /** A path, or `-` for standard output. */
  readonly output: string;
  readonly exactlyAsPrometheus?: boolean;
}

export const STDOUT = '-';

/** The files of one import, in the order in which they were found; each is read once. */
export class ImportedFiles {
  readonly #files: { path: string; what: string; findings: ImportFinding[] }[] = [];
  readonly #seen = new Map<string, ImportedKind>();
  readonly #shippedRules = shippedNames(SHIPPED_RULES);
  readonly #ruleFiles: string[] = [];
  readonly #groups = new Set<string>();
  readonly #features = new Set<string>();
  #prometheus: ImportedPrometheus | null = null;
  #prometheusFile: string | null = null;
  #routing: string | null = null;

  /** Whether what is imported has somebody who scrapes. */
  get hasScraping(): boolean {
    return this.#prometheus !== null;
  }

  /** Reads a file, or all files of a folder. What is wrong becomes a finding. */
  async read(name: string): Promise<void> {
    let paths: readonly string[];
    try {
      paths = namedFiles(name);
    } catch (thrown) {
      this.#note(name, 'unknown', [refusal(thrown)]);
      return;
    }
    if (paths.length === 0)
      this.#note(name, 'unknown', [
        { verdict: 'unused', place: null, message: 'no file in it is known here' },
      ]);
    for (const path of paths) await this.#readFile(path);
  }

  finish(): readonly ImportedFile[] {
    return this.#files;
  }

  get hasRules(): boolean {
    return this.#ruleFiles.length > 0;
  }

  /** What holds for all rules, where there are any. */
  aboutRules(): readonly string[] {
    if (!this.hasRules) return [];
    return ['all rules:', ...ABOUT_ALL_RULES.map((line) => `  differs  ${line}`), ''];
  }

  /** The text of the configuration; what the server would refuse of it becomes a finding. */
  configuration(flags: ConfigurationFlags): string {
    const text = this.#write(flags);
    try {
      parseConfig({ name: flags.output, text });
    } catch (thrown) {
      const what = 'the configuration that is to be written';
      this.#files.push({ path: flags.output, what, findings: [...refusalsOf(thrown)] });
    }
    return text;
  }

  #write(flags: ConfigurationFlags): string {
    const paths = this.#pathsFor(flags);
    const settings: OmoiSetting[] = [];
    if (this.#ruleFiles.length > 0) {
      const folder = folderOf(this.#ruleFiles);
      const value = (folder === null ? this.#ruleFiles : [folder]).map(paths);
      settings.push({
        path: ['alerting', 'rule_files'],
        value,
        comment: 'added to the rules that Omoi ships',
      });
    }
    if (this.#features.size > 0) {
      const comment = 'what rules use of the experimental language';
      settings.push({ path: ['promql', 'features'], value: [...this.#features].sort(), comment });
    }
    settings.push(...(this.#prometheus?.settings ?? []));
    if (flags.exactlyAsPrometheus === true && this.#groups.size > 0) {
      const groups = [...this.#groups].sort().map((name) => [name, { evaluate: 'interval' }]);
      const comment = 'evaluated at their intervals alone, as Prometheus does';
      settings.push({ path: ['alerting', 'groups'], value: Object.fromEntries(groups), comment });
    }
    if (this.#routing !== null)
      settings.push({
        path: ['notification', 'config_file'],
        value: paths(this.#routing),
        comment: 'an Alertmanager configuration, as it is',
      });
    return writeConfiguration(settings, [
      'Written by omoi import. docs/configuration.md has all keys; those that are not here have their defaults.',
    ]);
  }

  /** Paths in a configuration are relative to where the server is started: only beside the file that is safe to say. */
  #pathsFor({ output }: ConfigurationFlags): (path: string) => string {
    const isHere = output === STDOUT || dirname(resolve(output)) === process.cwd();
    return (path) => (isHere ? path : resolve(path));
  }

  async #readFile(path: string): Promise<void> {
    const identity = resolve(path);
    if (this.#seen.has(identity)) return;
    let kind: ImportedKind = 'unknown';
    let findings: readonly ImportFinding[];
    try {
      const text = readTextFile(path);
      kind = recognize(path, text);
      this.#seen.set(identity, kind);
      findings = await this.#findingsOf(kind, { name: path, text });
    } catch (thrown) {
      findings = refusalsOf(thrown);
    }
    this.#note(path, kind, findings);
    if (this.#prometheusFile === path) await this.#readGlobs(path);
  }

  async #findingsOf(
    kind: ImportedKind,
    source: { readonly name: string; readonly text: string },
  ): Promise<readonly ImportFinding[]> {
    switch (kind) {
      case 'rules': {
        const { findings, groups, features } = importRules(source, this.#shippedRules);
        for (const feature of features) this.#features.add(feature);
        this.#ruleFiles.push(source.name);
        for (const name of groups) this.#groups.add(name);
        return findings;
      }
      case 'alertmanager': {
        if (this.#routing !== null)
          return [{ verdict: 'refused', place: null, message: `one routing is in force: ${this.#routing}` }];
        const findings = await importRouting(source);
        this.#routing = source.name;
        return findings;
      }
      case 'prometheus': {
        if (this.#prometheus !== null)
          return [{ verdict: 'refused', place: null, message: 'one Prometheus is imported at a time' }];
        this.#prometheus = importPrometheus(source, process.env);
        this.#prometheusFile = source.name;
        return this.#prometheus.findings;
      }
      case 'rule_tests':
        return [{ verdict: 'runs', place: null, message: `omoi rules test ${source.name}` }];
      case 'templates':
        return [{ verdict: 'runs', place: null, message: 'read where the routing names it' }];
      case 'unknown':
        return [{ verdict: 'unused', place: null, message: 'no file of Prometheus or Alertmanager' }];
    }
  }

  async #readGlobs(path: string): Promise<void> {
    const globs = this.#prometheus?.ruleGlobs ?? [];
    const owner = this.#files.find((file) => file.path === path);
    for (const { glob, place } of globs) {
      const found = globbedFiles(glob, path);
      const message = found.length === 0 ? `${glob}: no file` : `${glob}: ${found.join(', ')}`;
      owner?.findings.push({ verdict: found.length === 0 ? 'unused' : 'runs', place, message });
      for (const file of found) await this.#readFile(file);
    }
  }

  #note(path: string, kind: ImportedKind, findings: readonly ImportFinding[]): void {
    this.#files.push({ path, what: KIND_NAMES[kind], findings: [...findings] });
  }
}

function refusal(thrown: unknown): ImportFinding {
  return { verdict: 'refused', place: null, message: messageOf(thrown) };
}

/** A line of the message is a mistake. @throws what is no mistake of a person */
function refusalsOf(thrown: unknown): readonly ImportFinding[] {
  if (!(thrown instanceof OmoiError)) return [refusal(thrown)];
  return thrown.message.split('\n').map((line) => findingOf('refused', line));
}
