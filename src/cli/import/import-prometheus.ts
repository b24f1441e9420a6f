import { nearestWord, openStrictDocument, parseDuration, type DocumentSource } from '#telemetry';
import { z } from 'zod';
import { counted } from '../terminal/counted.ts';
import type { ImportFinding, OmoiSetting } from './finding.ts';
import { KEY_MEANINGS, SECTIONS } from './prometheus-keys.ts';

/** What a Prometheus configuration says. */
export interface ImportedPrometheus {
  readonly findings: readonly ImportFinding[];
  readonly settings: readonly OmoiSetting[];
  /** As they are written, relative to the file. */
  readonly ruleGlobs: readonly { readonly glob: string; readonly place: string }[];
}

/** Prometheus's own, where the file names none. */
const DEFAULT_INTERVAL = '1m';
const UNITS = new Map([
  ['B', 1],
  ...['K', 'M', 'G', 'T', 'P', 'E'].map((unit, at) => [`${unit}B`, 1024 ** (at + 1)] as const),
  ...['K', 'M', 'G', 'T', 'P', 'E'].map((unit, at) => [unit, 1024 ** (at + 1)] as const),
]);

const texts = z.array(z.string());
const labels = z.record(z.string(), z.string());

/**
 * Reads a `prometheus.yml`: every key of it gets a finding.
 * @param environment what `${…}` in external labels stands for
 * @throws OmoiError `config_invalid` where it is no YAML
 */
export function importPrometheus(
  source: DocumentSource,
  environment: Readonly<Record<string, string | undefined>>,
): ImportedPrometheus {
  const document = openStrictDocument(
    { ...source, scalars: 'text' },
    z.record(z.string(), z.unknown()),
    'config_invalid',
  );
  const reading = new PrometheusReading((path) => document.placeOf(path), source.name, environment);
  reading.readSection(document.written ?? {}, []);
  return reading.finish();
}

type Path = readonly string[];

class PrometheusReading {
  readonly #placeOf: (path: Path) => string;
  readonly #name: string;
  readonly #environment: Readonly<Record<string, string | undefined>>;
  readonly #findings: ImportFinding[] = [];
  readonly #settings: OmoiSetting[] = [];
  readonly #ruleGlobs: { glob: string; place: string }[] = [];
  /** Names of labels that `alert_relabel_configs` drops from every alert. */
  readonly #droppedLabels: RegExp[] = [];
  #externalLabels: { readonly path: Path; readonly labels: Readonly<Record<string, string>> } | null = null;
  #hasInterval = false;

  constructor(
    placeOf: (path: Path) => string,
    name: string,
    environment: Readonly<Record<string, string | undefined>>,
  ) {
    this.#placeOf = placeOf;
    this.#name = name;
    this.#environment = environment;
  }

  readSection(value: unknown, path: Path): void {
    if (!isMapping(value)) {
      if (value !== null && value !== '') this.#tell('refused', path, `${path.join('.')} is no mapping`);
      return;
    }
    for (const [key, child] of Object.entries(value)) {
      const inner = [...path, key];
      if (SECTIONS.has(inner.join('.'))) this.readSection(child, inner);
      else this.#readKey(inner, child);
    }
  }

  finish(): ImportedPrometheus {
    if (!this.#hasInterval) {
      this.#set(['alerting', 'evaluation_interval'], DEFAULT_INTERVAL, "Prometheus's default");
      this.#findings.push({
        verdict: 'runs',
        place: null,
        message: `evaluation_interval is ${DEFAULT_INTERVAL} where none is written, as in Prometheus`,
      });
    }
    this.#takeExternalLabels();
    return { findings: this.#findings, settings: this.#settings, ruleGlobs: this.#ruleGlobs };
  }

  #readKey(path: Path, value: unknown): void {
    const key = path.join('.');
    switch (key) {
      case 'rule_files':
        return this.#readRuleFiles(path, value);
      case 'global.evaluation_interval':
        if (parsedDuration(value) === 0)
          return this.#tell('unused', path, `${key}: 0 is Prometheus's default`);
        this.#hasInterval = true;
        return this.#readDuration(path, value, ['alerting', 'evaluation_interval']);
      case 'global.rule_query_offset':
        return this.#readDuration(path, value, ['alerting', 'rule_query_offset']);
      case 'global.external_labels':
        return this.#readExternalLabels(path, value);
      case 'storage.tsdb.retention':
        return this.#readRetention(path, value);
      case 'scrape_configs':
      case 'scrape_config_files': {
        const what = key === 'scrape_configs' ? 'job' : 'file of jobs';
        const jobs = counted(lengthOf(value), what);
        return this.#tell('stays', path, `${jobs}: Prometheus goes on scraping, and sends what it scrapes`);
      }
      case 'remote_write': {
        const others = counted(lengthOf(value), 'receiver');
        return this.#tell('stays', path, `${others} beside Omoi, which is added as one more`);
      }
      case 'alerting.alertmanagers':
        return this.#tell(
          'differs',
          path,
          'Omoi tells people itself; while this Prometheus evaluates the same rules, people are told twice: take `rule_files` out of it when you rely on Omoi',
        );
      case 'alerting.alert_relabel_configs':
        return this.#readAlertRelabelling(path, value);
      default:
        return this.#tellKey(path);
    }
  }

  #tellKey(path: Path): void {
    const key = path.join('.');
    const meaning = KEY_MEANINGS.get(key);
    if (meaning) return this.#tell(meaning.verdict, path, `${key}: ${meaning.message}`);
    const near = nearestWord(key, [...KEY_MEANINGS.keys()]);
    const hint = near === null ? '' : `; did you mean ${near}?`;
    this.#tell('unused', path, `${key}: no key of Prometheus that Omoi knows${hint}`);
  }

  #readRuleFiles(path: Path, value: unknown): void {
    const globs = texts.safeParse(value ?? []);
    if (!globs.success) return this.#tell('refused', path, 'rule_files is no list of texts');
    for (const [at, glob] of globs.data.entries()) {
      this.#ruleGlobs.push({ glob, place: this.#placeOf([...path, String(at)]) });
    }
  }

  #readDuration(path: Path, value: unknown, setting: OmoiSetting['path']): void {
    const key = path.join('.');
    if (parsedDuration(value) === null)
      return this.#tell('refused', path, `${key}: ${JSON.stringify(value)} is no duration`);
    this.#set(setting, value, `${key} of ${this.#name}`);
    this.#tell('runs', path, `${key}: becomes ${setting.join('.')}`);
  }

  #readRetention(path: Path, value: unknown): void {
    if (!isMapping(value)) return this.#tell('refused', path, 'storage.tsdb.retention is no mapping');
    for (const [key, child] of Object.entries(value)) {
      const inner = [...path, key];
      if (key === 'time' && parsedDuration(child) === 0)
        this.#tell('unused', inner, `${inner.join('.')}: no bound`);
      else if (key === 'time') this.#readDuration(inner, child, ['telemetry', 'retention']);
      else if (key === 'size') this.#readSize(inner, child);
      else this.#tellKey(inner);
    }
  }

  #readSize(path: Path, value: unknown): void {
    const bytes = bytesOf(value);
    if (bytes === null)
      return this.#tell('refused', path, `${path.join('.')}: ${JSON.stringify(value)} is no size`);
    if (bytes === 0) return this.#tell('unused', path, `${path.join('.')}: no bound`);
    this.#set(['telemetry', 'retention_bytes'], bytes, `${path.join('.')} of ${this.#name}`);
    this.#tell('runs', path, `${path.join('.')}: becomes telemetry.retention_bytes`);
  }

  #readExternalLabels(path: Path, value: unknown): void {
    const parsed = labels.safeParse(value ?? {});
    if (!parsed.success) return this.#tell('refused', path, 'global.external_labels are no names and texts');
    const expanded = Object.entries(parsed.data).map(([name, text]) => {
      const label = expand(text, this.#environment);
      if (label !== text)
        this.#tell(
          'differs',
          [...path, name],
          `external label ${name}: its variables are replaced now, and not at each start`,
        );
      return [name, label] as const;
    });
    this.#externalLabels = { path, labels: Object.fromEntries(expanded) };
  }

  /** Relabelling is not done; what it is mostly for, to drop the label of a replica, is. */
  #readAlertRelabelling(path: Path, value: unknown): void {
    for (const [at, one] of (Array.isArray(value) ? value : []).entries()) {
      const place = [...path, String(at)];
      const drop = labelDrop(one);
      if (drop === null) {
        this.#tell('differs', place, 'labels of alerts are not changed on their way to the routing');
        continue;
      }
      this.#droppedLabels.push(drop);
      this.#tell('differs', place, 'drops external labels, and no others: those are left out');
    }
  }

  #takeExternalLabels(): void {
    if (this.#externalLabels === null) return;
    const { path, labels: all } = this.#externalLabels;
    const kept = Object.entries(all).filter(([name]) => !this.#droppedLabels.some((drop) => drop.test(name)));
    if (kept.length === 0) return this.#tell('runs', path, 'global.external_labels: none is left');
    const comment = `global.external_labels of ${this.#name}`;
    this.#set(['alerting', 'external_labels'], Object.fromEntries(kept), comment);
    this.#tell('runs', path, 'global.external_labels: become alerting.external_labels');
  }

  #set(path: OmoiSetting['path'], value: unknown, comment: string): void {
    this.#settings.push({ path, value, comment });
  }

  #tell(verdict: ImportFinding['verdict'], path: Path, message: string): void {
    this.#findings.push({ verdict, place: path.length === 0 ? null : this.#placeOf(path), message });
  }
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** In ms; null for what is none. */
function parsedDuration(value: unknown): number | null {
  return typeof value === 'string' ? parseDuration(value) : null;
}

function lengthOf(value: unknown): number {
  return Array.isArray(value) ? value.length : 0;
}

/** `512MB` in bytes, in powers of 1024 as Prometheus counts; null for what is no size. */
function bytesOf(value: unknown): number | null {
  if (value === '0') return 0;
  const [, count, unit] = /^(\d+(?:\.\d+)?)([KMGTPE]?B?)$/.exec(String(value)) ?? [];
  const factor = UNITS.get(unit ?? '');
  if (count === undefined || factor === undefined) return null;
  return Math.floor(Number(count) * factor);
}

/** As Go's `os.Expand`: `$name`, `${name}`, and `$$` for a dollar. */
function expand(text: string, environment: Readonly<Record<string, string | undefined>>): string {
  return text.replace(/\$(?:\$|\{([^}]*)\}|(\w+))/g, (all, braced?: string, bare?: string) => {
    if (all === '$$') return '$';
    return environment[braced ?? bare ?? ''] ?? '';
  });
}

/** What names a `labeldrop` drops; null for another kind of relabelling. */
function labelDrop(value: unknown): RegExp | null {
  if (!isMapping(value) || value['action'] !== 'labeldrop' || typeof value['regex'] !== 'string') return null;
  // A name, or alternatives of names: what people write. Others are left to the reader.
  return /^[\w|()]+$/.test(value['regex']) ? new RegExp(`^(?:${value['regex']})$`) : null;
}
