import { WIRE_BYTES, WIRE_VARINT, WireReader } from '../../wire-reader.ts';
import { readText } from '../attributes.ts';
import { groupHead, joined } from '../group-head.ts';
import { checkLimit, maxBuckets, maxElementBytes, TOO_LARGE } from '../limits.ts';
import { Refusals } from '../refusals.ts';
import { checkLength, readResource, readScope } from '../resource.ts';
import type { Family, KnownResource, KnownScope, PointKind } from './family.ts';
import { addEntry, findEntry, type KnownWriters } from './known-writers.ts';
import { identityLabels, scopeLabels, targetInfoLabels } from './labels.ts';
import { prometheusName, type PrometheusType } from './names.ts';
import type { PointContextParts } from './point-context.ts';
import { PointReader } from './point-reader.ts';
import type { PointRows } from './point-rows.ts';

/** Resources, scopes, metrics and points between two chances to pause, and their bytes, beside those of the last. */
const ELEMENTS_PER_STEP = 250;
const BYTES_PER_STEP = 128 * 1024;
const TEMPORALITY_DELTA = 1;
const TEMPORALITY_CUMULATIVE = 2;
const GAUGE_FIELD = 5;
const SUM_FIELD = 7;
const SUMMARY_FIELD = 11;
/** Kinds of points by the field of the metric that holds them. */
const KINDS: Readonly<Record<number, PointKind>> = {
  [GAUGE_FIELD]: 'number',
  [SUM_FIELD]: 'number',
  9: 'histogram',
  10: 'exponential',
  [SUMMARY_FIELD]: 'summary',
};

/** Where a message stands in the request. */
interface Extent {
  readonly start: number;
  readonly end: number;
}

/** What the fields of a metric say beside its points. */
interface MetricHead {
  /** The bytes of name, description and unit. */
  readonly bytes: Uint8Array;
  /** The field of the data, and where the data is: more than once where it is written in pieces. 0 where there is none. */
  readonly dataField: number;
  readonly data: readonly Extent[];
  /** How many it has. */
  readonly points: number;
  readonly isDelta: boolean;
  /** Whether it says what its values add up to, where it has to: neither is not allowed, and could mean both. */
  readonly hasTemporality: boolean;
  readonly isMonotonic: boolean;
}

/** What the data of a metric says beside its points. */
interface DataHead {
  /** Fields of the metric that have been looked at, these included. */
  fields: number;
  points: number;
  temporality?: number;
  isMonotonic?: boolean;
}

/**
 * Decodes one metrics request from bytes to rows in one pass, beside short looks ahead at the fields of each resource,
 * scope and metric, which may come in any order.
 */
export class MetricsDecoder {
  readonly #reader = new WireReader('OTLP request');
  readonly #known: KnownWriters;
  readonly #rows: PointRows;
  readonly #refusals: Refusals;
  readonly #points: PointReader;
  #elements = 0;
  #stepEnd = ELEMENTS_PER_STEP;
  #stepEndAt = BYTES_PER_STEP;

  constructor(parts: Omit<PointContextParts, 'reader'>) {
    this.#known = parts.known;
    this.#rows = parts.rows;
    this.#refusals = parts.refusals;
    this.#points = new PointReader({ ...parts, reader: this.#reader });
  }

  /**
   * Decodes into `rows`, which are empty; yields now and then. Nothing is stored or made.
   * @throws OmoiError `payload_undecodable`, `body_too_large`
   */
  *decode(bytes: Uint8Array): Generator<void> {
    const end = bytes.length;
    const reader = this.#reader;
    reader.reset(bytes);
    while (reader.at < end) {
      const tag = reader.varint32(end);
      this.#countElement();
      if (tag >>> 3 === 1) {
        reader.expect(tag, WIRE_BYTES);
        yield* this.#resourceMetrics(reader.fieldEnd(end));
      } else reader.skip(tag, end);
      if (this.#isStepOver()) yield;
    }
  }

  /** ResourceMetrics: 1 resource, 2 scope_metrics. */
  *#resourceMetrics(end: number): Generator<void> {
    const reader = this.#reader;
    const { at } = reader;
    const resource = this.#resourceOf(groupHead(this.#reader, end));
    reader.at = at;
    while (reader.at < end) {
      const tag = reader.varint32(end);
      this.#countElement();
      if (tag >>> 3 === 2) yield* this.#scopeMetrics(resource, reader.fieldEnd(end));
      else reader.skip(tag, end);
      if (this.#isStepOver()) yield;
    }
  }

  /** ScopeMetrics: 1 scope, 2 metrics. */
  *#scopeMetrics(resource: KnownResource, end: number): Generator<void> {
    const reader = this.#reader;
    const { at } = reader;
    const scope = this.#scopeOf(resource, groupHead(this.#reader, end));
    reader.at = at;
    while (reader.at < end) {
      const tag = reader.varint32(end);
      this.#countElement();
      if (tag >>> 3 === 2) yield* this.#metric(scope, reader.fieldEnd(end));
      else reader.skip(tag, end);
      if (this.#isStepOver()) yield;
    }
  }

  *#metric(scope: KnownScope, end: number): Generator<void> {
    const reader = this.#reader;
    const head = this.#metricHead(end);
    const problem = problemOf(head);
    if (problem !== null) {
      this.#refusals.refuse(problem, Math.max(1, head.points));
      reader.at = end;
      return;
    }
    const family = this.#familyOf(scope, head);
    yield* this.#rows.makeRoom(head.points);
    this.#rows.familyList.push(family);
    const isGrouped = family.kind === 'histogram' || family.kind === 'summary';
    for (const { start, end: dataEnd } of head.data) {
      reader.at = start;
      while (reader.at < dataEnd) {
        const tag = reader.varint32(dataEnd);
        this.#countElement();
        if (tag >>> 3 !== 1) {
          reader.skip(tag, dataEnd);
          continue;
        }
        reader.expect(tag, WIRE_BYTES);
        const pointEnd = reader.fieldEnd(dataEnd);
        if (isGrouped) {
          const numbers = mostNumbers(pointEnd - reader.at);
          if (this.#rows.lacksNumbers(numbers)) yield* this.#rows.makeRoomForNumbers(numbers);
        }
        this.#points.read(family, pointEnd);
        reader.at = pointEnd;
        if (this.#isStepOver()) yield;
      }
    }
    reader.at = end;
  }

  #countElement(): void {
    checkLimit('maxRequestElements', ++this.#elements);
  }

  /** Whether it is time for a chance to pause: asked wherever an element has been read, whatever it is. */
  #isStepOver(): boolean {
    const { at } = this.#reader;
    if (this.#elements < this.#stepEnd && at < this.#stepEndAt) return false;
    this.#stepEnd = this.#elements + ELEMENTS_PER_STEP;
    this.#stepEndAt = at + BYTES_PER_STEP;
    return true;
  }

  /** Metric: 1 name, 2 description, 3 unit, and one of the kinds of data. */
  #metricHead(end: number): MetricHead {
    const reader = this.#reader;
    const texts: Uint8Array[] = [];
    let dataField = 0;
    let data: Extent[] = [];
    let temporality = 0;
    let isMonotonic = false;
    let points = 0;
    // Looked at in one go: the fields of the metric, and those of its data.
    let fields = 0;
    while (reader.at < end) {
      checkLimit('maxRequestElements', ++fields);
      const start = reader.at;
      const tag = reader.varint32(end);
      const field = tag >>> 3;
      if (field <= 3 && field > 0) {
        reader.expect(tag, WIRE_BYTES);
        reader.skip(tag, end);
        texts.push(reader.bytes.subarray(start, reader.at));
      } else if (KINDS[field]) {
        reader.expect(tag, WIRE_BYTES);
        const dataEnd = reader.fieldEnd(end);
        // Of the kinds of data the last one holds.
        if (field !== dataField) [data, temporality, isMonotonic, points] = [[], 0, false, 0];
        dataField = field;
        data.push({ start: reader.at, end: dataEnd });
        const said = this.#dataHead(dataEnd, fields);
        fields = said.fields;
        points += said.points;
        temporality = said.temporality ?? temporality;
        isMonotonic = said.isMonotonic ?? isMonotonic;
      } else reader.skip(tag, end);
    }
    const adds = dataField !== GAUGE_FIELD && dataField !== SUMMARY_FIELD;
    const isDelta = adds && temporality === TEMPORALITY_DELTA;
    const hasTemporality = !adds || isDelta || temporality === TEMPORALITY_CUMULATIVE;
    return { bytes: joined(texts), dataField, data, points, isDelta, hasTemporality, isMonotonic };
  }

  /**
   * Gauge, Sum, Histogram …: 1 data_points, 2 aggregation_temporality, 3 is_monotonic.
   * @param fieldsBefore fields of the metric that have been looked at
   */
  #dataHead(end: number, fieldsBefore: number): DataHead {
    const reader = this.#reader;
    const { bytes } = reader;
    const said: DataHead = { fields: fieldsBefore, points: 0 };
    while (reader.at < end) {
      checkLimit('maxRequestElements', ++said.fields);
      // Points are passed over: tag and length, both in one byte each.
      const length = bytes[reader.at + 1] ?? 0;
      if (bytes[reader.at] === 0x0a && length < 0x80 && reader.at + 2 + length <= end) {
        reader.at += 2 + length;
        said.points++;
        continue;
      }
      const tag = reader.varint32(end);
      const field = tag >>> 3;
      if (field === 1) said.points++;
      if (field !== 2 && field !== 3) {
        reader.skip(tag, end);
        continue;
      }
      reader.expect(tag, WIRE_VARINT);
      const value = reader.unsigned(end);
      if (field === 2) said.temporality = value;
      else said.isMonotonic = value !== 0;
    }
    return said;
  }

  #resourceOf(bytes: Uint8Array): KnownResource {
    checkLength(bytes, 'resource');
    const { resourceKeys, resources } = this.#known;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const known = resources[findEntry(resourceKeys, 1, view, 0, bytes.length)];
    if (known) return known;
    const found = new Refusals();
    const resource = readResource(bytes, found);
    const identity = identityLabels(resource);
    // One with something wrong is not remembered, so that its sender is told each time.
    const id = found.isEmpty ? addEntry(resourceKeys, 1, bytes) : 0;
    this.#refusals.addAll(found);
    const added: KnownResource = {
      id,
      resource,
      identity,
      targetInfo: targetInfoLabels(resource, identity),
      targetInfoRef: 0,
    };
    if (id !== 0) resources[id] = added;
    return added;
  }

  #scopeOf(resource: KnownResource, bytes: Uint8Array): KnownScope {
    checkLength(bytes, 'scope');
    const { scopeKeys, scopes } = this.#known;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const known = scopes[findEntry(scopeKeys, resource.id, view, 0, bytes.length)];
    if (known) return known;
    const found = new Refusals();
    const labels = { ...scopeLabels(readScope(bytes, found)), ...resource.identity };
    const id = found.isEmpty ? addEntry(scopeKeys, resource.id, bytes) : 0;
    this.#refusals.addAll(found);
    const added: KnownScope = { id, resource, labels };
    if (id !== 0) scopes[id] = added;
    return added;
  }

  #familyOf(scope: KnownScope, head: MetricHead): Family {
    const { familyKeys, families } = this.#known;
    const { bytes, dataField, isDelta, isMonotonic } = head;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const space = scope.id * 64 + dataField * 4 + (isDelta ? 2 : 0) + (isMonotonic ? 1 : 0);
    const keySpace = scope.id === 0 ? 0 : space;
    const known = families[findEntry(familyKeys, keySpace, view, 0, bytes.length)];
    if (known) return known;
    const { name, help, unit } = readTexts(bytes);
    const kind = KINDS[dataField] ?? 'number';
    const type = prometheusType(head);
    const id = addEntry(familyKeys, keySpace, bytes);
    const family: Family = {
      id,
      scope,
      name: prometheusName({ name, unit, type }),
      kind,
      type,
      isDelta,
      isMonotonic,
      help,
      unit,
      isDescribed: false,
    };
    if (id !== 0) families[id] = family;
    return family;
  }
}

/** Of a histogram or summary of so many bytes: count, sum, and what else it has, each in two bytes or more. */
function mostNumbers(bytes: number): number {
  return 3 + Math.min(maxBuckets, bytes >>> 1);
}

/** Why nothing of a metric can be stored; null where it can. */
function problemOf({ dataField, bytes, points, hasTemporality }: MetricHead): string | null {
  if (dataField === 0) return 'a metric without data';
  if (bytes.length > maxElementBytes) return TOO_LARGE;
  if (hasTemporality || points === 0) return null;
  return 'a sum or histogram whose aggregationTemporality is neither DELTA nor CUMULATIVE';
}

function prometheusType({ dataField, isMonotonic }: MetricHead): PrometheusType {
  if (dataField === SUM_FIELD) return isMonotonic ? 'counter' : 'gauge';
  const kind = KINDS[dataField];
  if (kind === 'summary') return 'summary';
  return kind === 'number' ? 'gauge' : 'histogram';
}

function readTexts(bytes: Uint8Array): {
  readonly name: string;
  readonly help: string;
  readonly unit: string;
} {
  const reader = new WireReader('OTLP request');
  reader.reset(bytes);
  const texts = { name: '', help: '', unit: '' };
  while (reader.at < bytes.length) {
    const field = reader.varint32(bytes.length) >>> 3;
    const text = readText(reader, bytes.length);
    if (field === 1) texts.name = text;
    else if (field === 2) texts.help = text;
    else texts.unit = text;
  }
  return texts;
}
