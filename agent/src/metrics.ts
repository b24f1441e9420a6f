export type MetricLabels = Readonly<Record<string, string>>;

export interface Counter {
  /** @param value not negative */
  add(value: number, labels?: MetricLabels): void;
}

export interface Gauge {
  set(value: number, labels?: MetricLabels): void;
}

export interface Histogram {
  record(value: number, labels?: MetricLabels): void;
}

export interface InstrumentOptions {
  readonly help?: string;
  readonly unit?: string;
}

export interface HistogramOptions extends InstrumentOptions {
  /** Upper bounds, ascending; the standard duration bounds in seconds by default. */
  readonly buckets?: readonly number[];
}

interface Point {
  readonly labels: MetricLabels;
  value: number;
  /** Of histograms: one count a bucket and one for what lies above the last bound. */
  readonly counts: number[];
  count: number;
}

interface Instrument {
  readonly name: string;
  readonly kind: 'counter' | 'gauge' | 'histogram';
  readonly options: HistogramOptions;
  readonly bounds: readonly number[];
  readonly points: Map<string, Point>;
}

const MAX_SERIES = 1000;
const DURATION_BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];
const CUMULATIVE = 2;
const DROPPED = 'agent_measurements_dropped_total';

/** The agent's own measurements, exported cumulatively: an export that is lost loses nothing. */
export class MetricRegistry {
  readonly #instruments = new Map<string, Instrument>();
  readonly #startedAtMs = Date.now();
  #series = 0;
  readonly #dropped: Counter;

  constructor() {
    this.#dropped = this.counter(DROPPED, {
      help: `Measurements of series beyond the first ${MAX_SERIES}.`,
    });
    // Its one series is the first, so that there is always room for it.
    this.#dropped.add(0);
  }

  counter(name: string, options: InstrumentOptions = {}): Counter {
    const instrument = this.#instrument(name, 'counter', options);
    return {
      add: (value, labels) => {
        const point = value >= 0 ? this.#point(instrument, labels) : null;
        if (point) point.value += value;
      },
    };
  }

  gauge(name: string, options: InstrumentOptions = {}): Gauge {
    const instrument = this.#instrument(name, 'gauge', options);
    return {
      set: (value, labels) => {
        const point = this.#point(instrument, labels);
        if (point) point.value = value;
      },
    };
  }

  histogram(name: string, options: HistogramOptions = {}): Histogram {
    const instrument = this.#instrument(name, 'histogram', options);
    return {
      record: (value, labels) => {
        const point = Number.isFinite(value) ? this.#point(instrument, labels) : null;
        if (!point) return;
        const above = instrument.bounds.findIndex((bound) => value <= bound);
        const bucket = above === -1 ? instrument.bounds.length : above;
        point.counts[bucket] = (point.counts[bucket] ?? 0) + 1;
        point.count += 1;
        point.value += value;
      },
    };
  }

  /** An OTLP ExportMetricsServiceRequest in JSON, or null when nothing was measured yet. */
  export(resource: MetricLabels): object | null {
    if (this.#series === 1) return null;
    const nowNs = nanoseconds(Date.now());
    const startNs = nanoseconds(this.#startedAtMs);
    const metrics = [...this.#instruments.values()]
      .filter((instrument) => instrument.points.size > 0)
      .map((instrument) => ({
        name: instrument.name,
        description: instrument.options.help ?? '',
        unit: instrument.options.unit ?? '',
        ...dataOf(instrument, { startTimeUnixNano: startNs, timeUnixNano: nowNs }),
      }));
    return {
      resourceMetrics: [
        {
          resource: { attributes: attributesOf(resource) },
          scopeMetrics: [{ scope: { name: '@omoi/agent' }, metrics }],
        },
      ],
    };
  }

  #instrument(name: string, kind: Instrument['kind'], options: HistogramOptions): Instrument {
    const known = this.#instruments.get(name);
    if (known) {
      if (known.kind !== kind) throw new Error(`the metric ${name} is a ${known.kind} already`);
      return known;
    }
    const bounds = kind === 'histogram' ? (options.buckets ?? DURATION_BOUNDS) : [];
    const instrument = { name, kind, options, bounds, points: new Map<string, Point>() };
    if (this.#instruments.size < MAX_SERIES) this.#instruments.set(name, instrument);
    return instrument;
  }

  #point(instrument: Instrument, labels: MetricLabels = {}): Point | null {
    const key = JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
    const known = instrument.points.get(key);
    if (known) return known;
    if (this.#series >= MAX_SERIES) {
      this.#dropped.add(1);
      return null;
    }
    this.#series += 1;
    const counts =
      instrument.kind === 'histogram' ? Array.from({ length: instrument.bounds.length + 1 }, () => 0) : [];
    const point: Point = { labels, value: 0, count: 0, counts };
    instrument.points.set(key, point);
    return point;
  }
}

interface Times {
  readonly startTimeUnixNano: string;
  readonly timeUnixNano: string;
}

function dataOf(instrument: Instrument, times: Times): object {
  const points = [...instrument.points.values()];
  const plain = points.map((point) => ({
    ...times,
    attributes: attributesOf(point.labels),
    asDouble: point.value,
  }));
  switch (instrument.kind) {
    case 'gauge':
      return { gauge: { dataPoints: plain } };
    case 'counter':
      return { sum: { aggregationTemporality: CUMULATIVE, isMonotonic: true, dataPoints: plain } };
    case 'histogram':
      return {
        histogram: {
          aggregationTemporality: CUMULATIVE,
          dataPoints: points.map((point) => ({
            ...times,
            attributes: attributesOf(point.labels),
            count: String(point.count),
            sum: point.value,
            bucketCounts: point.counts.map(String),
            explicitBounds: instrument.bounds,
          })),
        },
      };
  }
}

function attributesOf(labels: MetricLabels): object[] {
  return Object.entries(labels).map(([key, value]) => ({ key, value: { stringValue: value } }));
}

/** 64-bit integers are decimal texts in OTLP's JSON. */
function nanoseconds(epochMs: number): string {
  return `${Math.floor(epochMs)}000000`;
}
