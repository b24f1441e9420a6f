import {
  copyLabels,
  OmoiError,
  SampleBatch,
  type Exemplar,
  type MetricMetadata,
  type SeriesRef,
} from '#telemetry';
import { readHistogram } from './histogram.ts';
import { MAX_LABEL_BYTES, MAX_LABELS, RequestLimits } from './request-limits.ts';
import type { SeriesCache } from './series-cache.ts';
import { WIRE_BYTES, WIRE_FIXED64, WIRE_VARINT, WireReader } from '../wire-reader.ts';

/*
 * The messages of remote write 1.0 (prometheus/prometheus prompb/remote.proto and types.proto), with the tags that
 * are compared as whole bytes:
 *
 *   WriteRequest   1 timeseries, 3 metadata
 *   TimeSeries     1 labels (0x0a), 2 samples (0x12), 3 exemplars (0x1a), 4 histograms (0x22)
 *   Label          1 name, 2 value
 *   Sample         1 value, double (0x09), 2 timestamp, int64 (0x10)
 *   Exemplar       1 labels, 2 value, 3 timestamp
 *   MetricMetadata 1 type, 2 metric family name, 4 help, 5 unit
 */
const LABEL_TAG = 0x0a;
const SAMPLE_TAG = 0x12;
const VALUE_TAG = 0x09;
const TIMESTAMP_TAG = 0x10;

const EXPECTED = 'remote write request';
/** Of labels, histograms and texts, whose number says little of their size: a millisecond or two. */
const MAX_STEP_BYTES = 32 * 1024;

/** In the place of a reference: the series of the request that is not known yet and has this place among them. */
export function unknownRef(place: number): number {
  return -1 - place;
}

/** The place of an unknown series; negative where the reference is one. */
export function placeOfUnknown(ref: SeriesRef): number {
  return -1 - ref;
}

const METADATA_TYPES: readonly MetricMetadata['type'][] = [
  'unknown',
  'counter',
  'gauge',
  'histogram',
  'gaugehistogram',
  'summary',
  'info',
  'stateset',
];

/** A series of the request that the cache does not know, by the bytes of its labels. */
export interface UnknownSeries {
  readonly hash: number;
  readonly labelBytes: Uint8Array;
}

/**
 * Decodes a request in one pass from bytes to a batch, in slices, so that a large request does not hold up the event
 * loop. Nothing is allocated for a sample of a series that the cache knows. Used for one request at a time.
 */
export class RequestDecoder {
  readonly batch = new SampleBatch(4096);
  /** The n-th has `unknownRef(n)` in the batch. */
  readonly unknown: UnknownSeries[] = [];
  readonly metadata: { readonly metricName: string; readonly metadata: MetricMetadata }[] = [];
  readonly #cache: SeriesCache;
  readonly #isHeld: (ref: SeriesRef) => boolean;
  readonly #reader = new WireReader(EXPECTED);
  readonly #limits = new RequestLimits();
  /** The series whose samples are being read, and the end of its message. */
  #ref: SeriesRef = 0;
  #seriesEnd = 0;

  /** @param isHeld whether the store still has the series of a reference */
  constructor(cache: SeriesCache, isHeld: (ref: SeriesRef) => boolean) {
    this.#cache = cache;
    this.#isHeld = isHeld;
  }

  begin(bytes: Uint8Array): void {
    this.batch.clear();
    this.unknown.length = 0;
    this.metadata.length = 0;
    this.#reader.reset(bytes);
    this.#limits.begin();
    this.#seriesEnd = 0;
  }

  /**
   * Decodes on, up to so many samples, series or other parts, or MAX_STEP_BYTES; whether the request is through.
   * @throws OmoiError `payload_undecodable`, `labels_invalid`, `body_too_large`
   */
  step(maxItems: number): boolean {
    const reader = this.#reader;
    const end = reader.bytes.length;
    const stopAt = this.batch.length + maxItems;
    const stopByte = Math.min(end, reader.at + MAX_STEP_BYTES);
    for (let items = 0; items < maxItems && this.batch.length < stopAt && reader.at < stopByte; items++) {
      if (reader.at < this.#seriesEnd) {
        this.#readSamples(stopAt);
        continue;
      }
      const tag = reader.varint32(end);
      if (tag === LABEL_TAG) {
        this.#beginSeries(reader.fieldEnd(end));
        this.#readSamples(stopAt);
        continue;
      }
      const field = tag >>> 3;
      if (field === 1 || field === 3) reader.expect(tag, WIRE_BYTES);
      if (field === 3) this.#readMetadata(reader.fieldEnd(end));
      else reader.skip(tag, end);
    }
    this.#limits.check('maxRequestSamples', this.batch.length);
    return reader.at >= end;
  }

  #beginSeries(end: number): void {
    const reader = this.#reader;
    const { bytes } = reader;
    const start = reader.at;
    let labels = 0;
    while (reader.at < end && bytes[reader.at] === LABEL_TAG) {
      reader.at++;
      reader.at = reader.fieldEnd(end);
      if (++labels > MAX_LABELS) throw tooManyLabels();
    }
    if (reader.at - start > MAX_LABEL_BYTES) {
      throw new OmoiError('labels_invalid', `A series has labels of more than ${MAX_LABEL_BYTES} bytes.`);
    }
    const next = this.#cache.findNext(reader.view, start, reader.at);
    this.#ref = next !== 0 && this.#isHeld(next) ? next : this.#search(start, reader.at);
    this.#seriesEnd = end;
  }

  /** Reads samples of the series up to its end, to the given length of the batch, or to the first other field. */
  #readSamples(stopAt: number): void {
    const reader = this.#reader;
    const { bytes } = reader;
    const end = this.#seriesEnd;
    while (reader.at < end && this.batch.length < stopAt) {
      if (bytes[reader.at] !== SAMPLE_TAG) return this.#readRest(this.#ref, end);
      reader.at++;
      this.#readSample(this.#ref, reader.fieldEnd(end));
    }
  }

  /** The reference for the labels in the bytes [start, end). */
  #search(start: number, end: number): SeriesRef {
    const { view, bytes } = this.#reader;
    const hash = this.#cache.hash(view, start, end);
    const known = this.#cache.find(hash, view, start, end);
    if (known !== 0 && this.#isHeld(known)) return known;
    this.#limits.check('maxRequestNewSeries', this.unknown.length + 1);
    this.unknown.push({ hash, labelBytes: bytes.subarray(start, end) });
    return unknownRef(this.unknown.length - 1);
  }

  #readSample(ref: SeriesRef, end: number): void {
    const reader = this.#reader;
    const { view, bytes } = reader;
    let valueAt = -1;
    let timestampMs = 0;
    while (reader.at < end) {
      const tag = bytes[reader.at] ?? 0;
      if (tag === VALUE_TAG && reader.at + 9 <= end) {
        valueAt = reader.at + 1;
        reader.at += 9;
      } else if (tag === TIMESTAMP_TAG) {
        reader.at++;
        timestampMs = reader.signed(end);
      } else {
        const other = reader.varint32(end);
        // A value that is cut off, or either of the two written as something else.
        if (other >>> 3 === 1) reader.expect(other, WIRE_FIXED64);
        if (other >>> 3 === 2) reader.expect(other, WIRE_VARINT);
        reader.skip(other, end);
      }
    }
    if (valueAt < 0) {
      this.batch.add(ref, timestampMs, 0);
    } else if (reader.isStaleMarker(valueAt)) {
      this.batch.addStale(ref, timestampMs);
    } else {
      this.batch.add(ref, timestampMs, view.getFloat64(valueAt, true));
    }
  }

  /** The rarer fields of a series: exemplars and histograms. */
  #readRest(ref: SeriesRef, end: number): void {
    const reader = this.#reader;
    const tag = reader.varint32(end);
    const field = tag >>> 3;
    if (field >= 1 && field <= 4) reader.expect(tag, WIRE_BYTES);
    if (field === 3) {
      this.#limits.count('maxRequestExemplars');
      this.batch.addExemplar(ref, this.#readExemplar(reader.fieldEnd(end)));
    } else if (field === 4) {
      this.#limits.count('maxRequestHistograms');
      const { timestampMs, histogram } = readHistogram(reader, reader.fieldEnd(end), this.#limits);
      if (histogram === 'stale') this.batch.addStale(ref, timestampMs);
      else this.batch.addHistogram(ref, timestampMs, histogram);
    } else if (field === 1) {
      throw reader.broken('the labels of a series do not stand together before its samples');
    } else reader.skip(tag, end);
  }

  #readExemplar(end: number): Exemplar {
    const reader = this.#reader;
    const labels = new Map<string, string>();
    let value = 0;
    let timestampMs = 0;
    while (reader.at < end) {
      const tag = reader.varint32(end);
      switch (tag >>> 3) {
        case 1:
          reader.expect(tag, WIRE_BYTES);
          addLabel(reader, labels, reader.fieldEnd(end));
          break;
        case 2:
          reader.expect(tag, WIRE_FIXED64);
          value = reader.double(end);
          break;
        case 3:
          reader.expect(tag, WIRE_VARINT);
          timestampMs = reader.signed(end);
          break;
        default:
          reader.skip(tag, end);
      }
    }
    return { labels: copyLabels(Object.fromEntries(labels)), value, timestampMs };
  }

  #readMetadata(end: number): void {
    const reader = this.#reader;
    this.#limits.count('maxRequestMetadata');
    let type = 0;
    let [metricName, help, unit] = ['', '', ''];
    while (reader.at < end) {
      const tag = reader.varint32(end);
      switch (tag >>> 3) {
        case 1:
          reader.expect(tag, WIRE_VARINT);
          type = reader.varint32(end);
          break;
        case 2:
          reader.expect(tag, WIRE_BYTES);
          metricName = reader.text(end);
          break;
        case 4:
          reader.expect(tag, WIRE_BYTES);
          help = reader.text(end);
          break;
        case 5:
          reader.expect(tag, WIRE_BYTES);
          unit = reader.text(end);
          break;
        default:
          reader.skip(tag, end);
      }
    }
    this.metadata.push({ metricName, metadata: { type: METADATA_TYPES[type] ?? 'unknown', help, unit } });
  }
}

/**
 * The label set in the bytes of a series' labels.
 * @throws OmoiError `payload_undecodable`, `labels_invalid`
 */
export function readLabels(labelBytes: Uint8Array): Record<string, string> {
  const reader = new WireReader(EXPECTED);
  reader.reset(labelBytes);
  const labels = new Map<string, string>();
  while (reader.at < labelBytes.length) {
    reader.varint32(labelBytes.length);
    addLabel(reader, labels, reader.fieldEnd(labelBytes.length));
  }
  return copyLabels(Object.fromEntries(labels));
}

function addLabel(reader: WireReader, labels: Map<string, string>, end: number): void {
  let name = '';
  let value = '';
  while (reader.at < end) {
    const tag = reader.varint32(end);
    const field = tag >>> 3;
    if (field === 1 || field === 2) reader.expect(tag, WIRE_BYTES);
    if (field === 1) name = reader.text(end);
    else if (field === 2) value = reader.text(end);
    else reader.skip(tag, end);
  }
  if (name === '') throw new OmoiError('labels_invalid', 'A series has a label with an empty name.');
  if (labels.has(name))
    throw new OmoiError('labels_invalid', `A series has the label ${name.slice(0, 200)} twice.`);
  labels.set(name, value);
  if (labels.size > MAX_LABELS) throw tooManyLabels();
}

function tooManyLabels(): OmoiError {
  return new OmoiError('labels_invalid', `A series or exemplar has more than ${MAX_LABELS} labels.`);
}
