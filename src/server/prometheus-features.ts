import type { FeatureFlags } from '#api';
import { RULE_FUNCTION_NAMES } from '#gotemplate';
import { languageFeatures, type PromqlFeatures } from '#promql';
import type { Config } from './config/schema.ts';

/** What Omoi has of that which Prometheus 3.14 lists as its features, by the names it has there. */
export function prometheusFeatures(promql: PromqlFeatures, config: Pick<Config, 'reload'>): FeatureFlags {
  return {
    api: {
      admin: false,
      exclude_alerts: true,
      label_values_match: true,
      lifecycle: false,
      'openapi_3.1': false,
      'openapi_3.2': false,
      otlp_write_receiver: false,
      query_stats: true,
      query_warnings: true,
      remote_write_receiver: true,
      search: false,
      search_fuzz_alg_jarowinkler: false,
      search_fuzz_alg_subsequence: false,
      time_range_labels: true,
      time_range_series: true,
    },
    otlp_receiver: { delta_conversion: true, native_delta_ingestion: false },
    prometheus: { agent_mode: false, auto_reload_config: config.reload.on_change, server_mode: true },
    ...languageFeatures(promql),
    rules: { concurrent_rule_eval: false, keep_firing_for: true, query_offset: true },
    scrape: {
      extra_scrape_metrics: false,
      start_timestamp_zero_ingestion: false,
      type_and_unit_labels: false,
    },
    service_discovery_providers: {},
    templating_functions: Object.fromEntries(
      [...RULE_FUNCTION_NAMES].sort().map((name) => [name, true] as const),
    ),
    tsdb: {
      delayed_compaction: false,
      exemplar_storage: true,
      histograms_st_encoding: false,
      isolation: true,
      native_histograms: true,
      st_storage: false,
      use_uncached_io: false,
      xor2_encoding: false,
    },
    ui: { ui_v2: false, ui_v3: false },
  };
}
