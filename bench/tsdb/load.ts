import { snappy } from '../../tests/remote-write-request.ts';

/*
 * The load: series that look like those of a fleet (nine labels, 100 metrics), half of them counters, half gauges
 * with noise in two decimals, sampled every 15 s. A body is one request of `batchSeries` series with one sample each.
 */
export interface LoadShape {
  readonly series: number;
  readonly batchSeries: number;
  /** Over how many metrics the series are spread. */
  readonly metrics: number;
  /** The labels of a series by its number, in order of their names; those of `fleet_metric_…` where it does not say. */
  readonly labelsOf?: (series: number) => readonly (readonly [name: string, value: string])[];
}

/** The interval of scrapes that the load stands for. */
export const STEP_MS = 15_000;

const SAMPLE_BYTES = 2 + 9 + 1 + 6;

/** Series whose encoded requests are kept, with the places where time and value go. */
export class Load {
  readonly shape: LoadShape;
  readonly #templates: { readonly bytes: Buffer; readonly samplesAt: Uint32Array }[] = [];
  readonly #values: Float64Array;
  #seed = 1;

  constructor(shape: LoadShape) {
    this.shape = shape;
    this.#values = new Float64Array(shape.series);
    for (let first = 0; first < shape.series; first += shape.batchSeries) this.#addTemplate(first);
  }

  get batches(): number {
    return this.#templates.length;
  }

  /** The requests of `rounds` rounds of samples, the first at `startMs`, uncompressed. */
  *rounds(rounds: number, startMs: number, stepMs = STEP_MS): Generator<Buffer> {
    for (let at = 0; at < rounds; at++) {
      for (const body of this.round(startMs + at * stepMs)) yield wrap(body);
    }
  }

  /** The requests of one round, all at `timestampMs`, as protobuf; good until the next call. */
  *round(timestampMs: number): Generator<Buffer> {
    for (let batch = 0; batch < this.batches; batch++) yield this.batch(batch, timestampMs);
  }

  /** The request of one batch of series, all at `timestampMs`, as protobuf; good until the next call for that batch. */
  batch(batch: number, timestampMs: number): Buffer {
    const template = this.#templates[batch];
    if (!template) throw new RangeError(`the load has no batch ${batch}`);
    const { bytes, samplesAt } = template;
    let series = batch * this.shape.batchSeries;
    for (const at of samplesAt) {
      bytes.writeDoubleLE(this.#nextValue(series++), at + 3);
      writeVarint(bytes, at + 12, timestampMs);
    }
    return bytes;
  }

  /** Counters grow by about 1000 a step; gauges are noise around 50 with two decimals. */
  #nextValue(series: number): number {
    const noise = this.#random() + this.#random() + this.#random() - 1.5;
    const isCounter = series % 2 === 0;
    const value = isCounter
      ? (this.#values[series] ?? 0) + Math.round(1000 + 50 * noise)
      : Math.round(5000 + 150 * noise) / 100;
    this.#values[series] = value;
    return value;
  }

  #random(): number {
    this.#seed = (Math.imul(this.#seed, 1_664_525) + 1_013_904_223) >>> 0;
    return this.#seed / 2 ** 32;
  }

  #addTemplate(first: number): void {
    const parts: Buffer[] = [];
    const samplesAt: number[] = [];
    let length = 0;
    for (let series = first; series < Math.min(this.shape.series, first + this.shape.batchSeries); series++) {
      const labels = Buffer.concat(
        (this.shape.labelsOf?.(series) ?? labelsOf(series, this.shape.metrics)).map(([name, value]) =>
          field(1, textFields(name, value)),
        ),
      );
      const head = Buffer.concat([Buffer.from([0x0a]), varint(labels.length + SAMPLE_BYTES), labels]);
      const sample = Buffer.alloc(SAMPLE_BYTES);
      sample.set([0x12, SAMPLE_BYTES - 2, 0x09]);
      sample[11] = 0x10;
      parts.push(head, sample);
      samplesAt.push(length + head.length);
      length += head.length + SAMPLE_BYTES;
    }
    this.#templates.push({ bytes: Buffer.concat(parts), samplesAt: Uint32Array.from(samplesAt) });
  }
}

/** The metrics take turns; so do the phases of a metric's series. */
function labelsOf(series: number, metrics: number): [string, string][] {
  const metric = series % metrics;
  const agent = Math.floor(series / metrics);
  return [
    ['__name__', `fleet_metric_${metric}_value`],
    ['agent_id', `agent-${String(agent).padStart(6, '0')}`],
    ['agent_type', ['worker', 'monitor', 'watchdog'][agent % 3] ?? ''],
    ['cluster', `cluster-${agent % 5}`],
    ['environment', 'production'],
    ['instance', `10.0.${(agent >> 8) & 255}.${agent & 255}:9100`],
    ['job', 'omoi-fleet'],
    [
      'phase_id',
      ['PHASE_DESIGN', 'PHASE_IMPLEMENTATION', 'PHASE_TESTING', 'PHASE_DEPLOYMENT'][agent % 4] ?? '',
    ],
    ['region', `eu-central-${agent % 3}`],
  ];
}

function textFields(name: string, value: string): Buffer {
  return Buffer.concat([field(1, Buffer.from(name)), field(2, Buffer.from(value))]);
}

function field(number: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([number * 8 + 2]), varint(content.length), content]);
}

function varint(value: number): Buffer {
  const bytes = Buffer.alloc(10);
  return bytes.subarray(0, writeVarint(bytes, 0, value));
}

function writeVarint(bytes: Buffer, at: number, value: number): number {
  let rest = value;
  let place = at;
  while (rest >= 128) {
    bytes[place++] = (rest % 128) + 128;
    rest = Math.floor(rest / 128);
  }
  bytes[place++] = rest;
  return place;
}

/** Compressed as senders do. */
export function compress(bytes: Buffer): Buffer {
  return Buffer.from(snappy(bytes));
}

/** A Snappy block of literals only: quick to make, where the speed of ingest is not what is measured. */
export function wrap(bytes: Buffer): Buffer {
  const parts: Buffer[] = [varint(bytes.length)];
  for (let at = 0; at < bytes.length; at += 65_536) {
    const literal = bytes.subarray(at, at + 65_536);
    parts.push(Buffer.from([61 << 2, (literal.length - 1) & 255, (literal.length - 1) >> 8]), literal);
  }
  return Buffer.concat(parts);
}
