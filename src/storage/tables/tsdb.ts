import type { Generated } from 'kysely';

export interface TsdbTables {
  /** Series that have archived chunks. */
  tsdb_series: {
    id: Generated<number>;
    metric_name: string;
    /** JSON object of the labels, names sorted: the identity of the series. */
    labels: string;
    /** Who it is from; '' where that is not known. */
    sender: Generated<string>;
  };
  tsdb_chunks: {
    series_id: number;
    min_ms: number;
    max_ms: number;
    /** 0 floats, 1 native histograms. */
    kind: number;
    /** Samples. */
    count: number;
    byte_length: number;
    bytes: Uint8Array;
  };
}
