import { parseDocument } from 'yaml';

export type ImportedKind = 'prometheus' | 'rules' | 'rule_tests' | 'alertmanager' | 'templates' | 'unknown';

export const KIND_NAMES: Readonly<Record<ImportedKind, string>> = {
  prometheus: 'a Prometheus configuration',
  rules: 'a rule file',
  rule_tests: 'a unit test of rules',
  alertmanager: 'an Alertmanager configuration',
  templates: 'templates of messages',
  unknown: 'not recognized',
};

/** The first kind one of whose keys a file has at its top. `global` and `tracing` are keys of two kinds. */
const TELLING_KEYS: readonly (readonly [ImportedKind, readonly string[]])[] = [
  ['rule_tests', ['tests', 'evaluation_interval', 'group_eval_order', 'fuzzy_compare']],
  ['rules', ['groups']],
  ['alertmanager', ['route', 'receivers', 'inhibit_rules', 'time_intervals', 'mute_time_intervals']],
  [
    'prometheus',
    [
      'rule_files',
      'scrape_configs',
      'scrape_config_files',
      'alerting',
      'remote_write',
      'remote_read',
      'storage',
      'otlp',
      'runtime',
      'global',
    ],
  ],
];
const TEMPLATE = /\{\{-?\s*define\s/;
const TEMPLATE_FILE = /\.(?:tmpl|tpl|gotmpl)$/;
/** Of a file that is no YAML. */
const TELLING_LINES: readonly (readonly [ImportedKind, RegExp])[] = TELLING_KEYS.map(([kind, keys]) => [
  kind,
  new RegExp(`^(?:${keys.join('|')}):`, 'm'),
]);

/** What a file is, by what it holds: names say little. A broken one is what its first telling line says. */
export function recognize(name: string, text: string): ImportedKind {
  if (TEMPLATE_FILE.test(name)) return 'templates';
  const keys = topKeys(text);
  if (keys === null) {
    const [kind] = TELLING_LINES.find(([, line]) => line.test(text)) ?? [];
    return kind ?? (TEMPLATE.test(text) ? 'templates' : 'unknown');
  }
  const [kind] = TELLING_KEYS.find(([, telling]) => telling.some((key) => keys.has(key))) ?? [];
  return kind ?? 'unknown';
}

/** Null where the text is no mapping. */
function topKeys(text: string): ReadonlySet<string> | null {
  const document = parseDocument(text, { logLevel: 'silent', prettyErrors: false, schema: 'failsafe' });
  if (document.errors.length > 0) return null;
  const { contents } = document;
  if (contents === null) return new Set();
  if (!('items' in contents) || contents.tag === 'tag:yaml.org,2002:seq') return null;
  const keys = new Set<string>();
  for (const item of contents.items) {
    if (typeof item === 'object' && item !== null && 'key' in item) keys.add(String(item.key));
  }
  return keys;
}
