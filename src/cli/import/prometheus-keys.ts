import type { Verdict } from './finding.ts';

/** What a key of a Prometheus configuration becomes. */
export interface KeyMeaning {
  readonly verdict: Verdict;
  readonly message: string;
}

const SCRAPING: KeyMeaning = { verdict: 'stays', message: 'Prometheus goes on scraping' };
const unused = (message: string): KeyMeaning => ({ verdict: 'unused', message });
const differs = (message: string): KeyMeaning => ({ verdict: 'differs', message });

/** Keys whose own keys are told one by one. */
export const SECTIONS: ReadonlySet<string> = new Set([
  'global',
  'runtime',
  'alerting',
  'storage',
  'storage.tsdb',
  'storage.exemplars',
  'otlp',
]);

const SCRAPING_KEYS = [
  'scrape_interval',
  'scrape_timeout',
  'scrape_protocols',
  'scrape_failure_log_file',
  'body_size_limit',
  'sample_limit',
  'label_limit',
  'label_name_length_limit',
  'label_value_length_limit',
  'target_limit',
  'keep_dropped_targets',
  'metric_name_validation_scheme',
  'metric_name_escaping_scheme',
  'scrape_native_histograms',
  'convert_classic_histograms_to_nhcb',
  'always_scrape_classic_histograms',
  'extra_scrape_metrics',
  'scrape_classic_histograms',
];

const OTLP_KEYS = [
  'promote_resource_attributes',
  'promote_all_resource_attributes',
  'ignore_resource_attributes',
  'keep_identifying_resource_attributes',
  'convert_histograms_to_nhcb',
  'promote_scope_metadata',
  'label_name_underscore_sanitization',
  'label_name_preserve_multiple_underscores',
];

/**
 * The keys of a Prometheus 3.14 configuration (its `docs/configuration/configuration.md`) that become no key of `omoi.yaml`.
 * Those that do are told where they are read.
 */
export const KEY_MEANINGS: ReadonlyMap<string, KeyMeaning> = new Map<string, KeyMeaning>([
  ...SCRAPING_KEYS.map((key) => [`global.${key}`, SCRAPING] as const),
  ['global.query_log_file', unused('no file of queries is written')],
  ['runtime.gogc', unused('there is no Go runtime')],
  ['tracing', unused('Omoi keeps its traces itself')],
  ['storage.exemplars.max_exemplars', unused('the store bounds exemplars by itself')],
  [
    'storage.tsdb.out_of_order_time_window',
    differs('samples are taken up to five minutes behind the newest of their series, whatever this says'),
  ],
  [
    'storage.tsdb.stale_series_compaction_threshold',
    unused('series that get no samples leave memory by themselves'),
  ],
  [
    'remote_read',
    differs('rules and queries see what is sent to Omoi; samples of other stores are not asked for'),
  ],
  [
    'otlp.translation_strategy',
    differs('names of OTLP metrics are translated by UnderscoreEscapingWithSuffixes, whatever this says'),
  ],
  ...OTLP_KEYS.map((key) => [`otlp.${key}`, differs('not applied to what comes in by OTLP')] as const),
]);
