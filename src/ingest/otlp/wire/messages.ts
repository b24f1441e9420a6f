import { WIRE_BYTES, WIRE_FIXED32, WIRE_FIXED64, WIRE_VARINT } from '../../wire-reader.ts';

/**
 * The OTLP messages that Omoi reads (opentelemetry-proto 1.x), by the names of their JSON form. The JSON reader writes
 * them as protobuf by these tables, and the check of a protobuf request follows them.
 */
export type Scalar =
  | 'string'
  /** Bytes that OTLP/JSON writes as hex digits: ids of traces and spans. */
  | 'id'
  /** Bytes that OTLP/JSON writes as base64. */
  | 'bytes'
  | 'bool'
  | 'int64'
  | 'uint64'
  | 'uint32'
  | 'sint32'
  | 'fixed32'
  | 'fixed64'
  | 'sfixed64'
  | 'double';

/** The names of an enum's numbers. */
export interface EnumType {
  readonly numbers: ReadonlyMap<string, number>;
}

export interface Field {
  readonly name: string;
  readonly number: number;
  readonly type: Scalar | EnumType | MessageType;
  readonly repeated: boolean;
  /** `type`, where that is a message. */
  readonly message: MessageType | null;
  /** How a value is written where it is not packed. */
  readonly wireType: number;
}

/**
 * What is refused where something inside cannot be read: `element` and `point` count as rejected, a `metric` counts as
 * its points; a `part` is left out of what it belongs to, but of a point, which would then be another series'. What is
 * wrong in a `container` is wrong in what is around it, at last in the request.
 */
export type Role = 'container' | 'metric' | 'point' | 'element' | 'part';

export class MessageType {
  readonly name: string;
  readonly role: Role;
  /** By camelCase and by snake_case name. */
  readonly byName = new Map<string, Field>();
  readonly byNumber: (Field | undefined)[] = [];

  constructor(name: string, role: Role = 'container') {
    this.name = name;
    this.role = role;
  }

  field(number: number, name: string, type: Field['type']): this {
    return this.#add(fieldOf({ number, name, type, repeated: false }));
  }

  list(number: number, name: string, type: Field['type']): this {
    return this.#add(fieldOf({ number, name, type, repeated: true }));
  }

  #add(field: Field): this {
    this.byName.set(field.name, field);
    this.byName.set(
      field.name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      field,
    );
    this.byNumber[field.number] = field;
    return this;
  }
}

function fieldOf(declared: Omit<Field, 'message' | 'wireType'>): Field {
  const message = declared.type instanceof MessageType ? declared.type : null;
  return { ...declared, message, wireType: wireTypeOf(declared.type) };
}

function wireTypeOf(type: Field['type']): number {
  if (type instanceof MessageType) return WIRE_BYTES;
  if (typeof type === 'object') return WIRE_VARINT;
  switch (type) {
    case 'string':
    case 'id':
    case 'bytes':
      return WIRE_BYTES;
    case 'fixed64':
    case 'sfixed64':
    case 'double':
      return WIRE_FIXED64;
    case 'fixed32':
      return WIRE_FIXED32;
    case 'bool':
    case 'int64':
    case 'uint64':
    case 'uint32':
    case 'sint32':
      return WIRE_VARINT;
  }
}

const enumType = (prefix: string, ...names: readonly string[]): EnumType => ({
  numbers: new Map(names.map((name, number) => [`${prefix}_${name}`, number])),
});

const AGGREGATION = enumType('AGGREGATION_TEMPORALITY', 'UNSPECIFIED', 'DELTA', 'CUMULATIVE');
const SPAN_KIND = enumType(
  'SPAN_KIND',
  'UNSPECIFIED',
  'INTERNAL',
  'SERVER',
  'CLIENT',
  'PRODUCER',
  'CONSUMER',
);
const STATUS_CODE = enumType('STATUS_CODE', 'UNSET', 'OK', 'ERROR');
const SEVERITY = enumType(
  'SEVERITY_NUMBER',
  'UNSPECIFIED',
  ...['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'].flatMap((level) => [
    level,
    `${level}2`,
    `${level}3`,
    `${level}4`,
  ]),
);

export const ANY_VALUE = new MessageType('AnyValue');
const KEY_VALUE = new MessageType('KeyValue', 'part').field(1, 'key', 'string').field(2, 'value', ANY_VALUE);
const ARRAY_VALUE = new MessageType('ArrayValue').list(1, 'values', ANY_VALUE);
const KEY_VALUE_LIST = new MessageType('KeyValueList').list(1, 'values', KEY_VALUE);
ANY_VALUE.field(1, 'stringValue', 'string')
  .field(2, 'boolValue', 'bool')
  .field(3, 'intValue', 'int64')
  .field(4, 'doubleValue', 'double')
  .field(5, 'arrayValue', ARRAY_VALUE)
  .field(6, 'kvlistValue', KEY_VALUE_LIST)
  .field(7, 'bytesValue', 'bytes');

const RESOURCE = new MessageType('Resource').list(1, 'attributes', KEY_VALUE);
const SCOPE = new MessageType('InstrumentationScope')
  .field(1, 'name', 'string')
  .field(2, 'version', 'string')
  .list(3, 'attributes', KEY_VALUE);

export const EXEMPLAR = new MessageType('Exemplar', 'part')
  .field(2, 'timeUnixNano', 'fixed64')
  .field(3, 'asDouble', 'double')
  .field(4, 'spanId', 'id')
  .field(5, 'traceId', 'id')
  .field(6, 'asInt', 'sfixed64')
  .list(7, 'filteredAttributes', KEY_VALUE);
const NUMBER_POINT = new MessageType('NumberDataPoint', 'point')
  .field(2, 'startTimeUnixNano', 'fixed64')
  .field(3, 'timeUnixNano', 'fixed64')
  .field(4, 'asDouble', 'double')
  .list(5, 'exemplars', EXEMPLAR)
  .field(6, 'asInt', 'sfixed64')
  .list(7, 'attributes', KEY_VALUE)
  .field(8, 'flags', 'uint32');
const HISTOGRAM_POINT = new MessageType('HistogramDataPoint', 'point')
  .field(2, 'startTimeUnixNano', 'fixed64')
  .field(3, 'timeUnixNano', 'fixed64')
  .field(4, 'count', 'fixed64')
  .field(5, 'sum', 'double')
  .list(6, 'bucketCounts', 'fixed64')
  .list(7, 'explicitBounds', 'double')
  .list(8, 'exemplars', EXEMPLAR)
  .list(9, 'attributes', KEY_VALUE)
  .field(10, 'flags', 'uint32');
const BUCKETS = new MessageType('Buckets').field(1, 'offset', 'sint32').list(2, 'bucketCounts', 'uint64');
const EXPONENTIAL_POINT = new MessageType('ExponentialHistogramDataPoint', 'point')
  .list(1, 'attributes', KEY_VALUE)
  .field(2, 'startTimeUnixNano', 'fixed64')
  .field(3, 'timeUnixNano', 'fixed64')
  .field(4, 'count', 'fixed64')
  .field(5, 'sum', 'double')
  .field(6, 'scale', 'sint32')
  .field(7, 'zeroCount', 'fixed64')
  .field(8, 'positive', BUCKETS)
  .field(9, 'negative', BUCKETS)
  .field(10, 'flags', 'uint32')
  .list(11, 'exemplars', EXEMPLAR)
  .field(14, 'zeroThreshold', 'double');
const QUANTILE = new MessageType('ValueAtQuantile')
  .field(1, 'quantile', 'double')
  .field(2, 'value', 'double');
const SUMMARY_POINT = new MessageType('SummaryDataPoint', 'point')
  .field(2, 'startTimeUnixNano', 'fixed64')
  .field(3, 'timeUnixNano', 'fixed64')
  .field(4, 'count', 'fixed64')
  .field(5, 'sum', 'double')
  .list(6, 'quantileValues', QUANTILE)
  .list(7, 'attributes', KEY_VALUE)
  .field(8, 'flags', 'uint32');

const METRIC = new MessageType('Metric', 'metric')
  .field(1, 'name', 'string')
  .field(2, 'description', 'string')
  .field(3, 'unit', 'string')
  .field(5, 'gauge', new MessageType('Gauge').list(1, 'dataPoints', NUMBER_POINT))
  .field(
    7,
    'sum',
    new MessageType('Sum')
      .list(1, 'dataPoints', NUMBER_POINT)
      .field(2, 'aggregationTemporality', AGGREGATION)
      .field(3, 'isMonotonic', 'bool'),
  )
  .field(
    9,
    'histogram',
    new MessageType('Histogram')
      .list(1, 'dataPoints', HISTOGRAM_POINT)
      .field(2, 'aggregationTemporality', AGGREGATION),
  )
  .field(
    10,
    'exponentialHistogram',
    new MessageType('ExponentialHistogram')
      .list(1, 'dataPoints', EXPONENTIAL_POINT)
      .field(2, 'aggregationTemporality', AGGREGATION),
  )
  .field(11, 'summary', new MessageType('Summary').list(1, 'dataPoints', SUMMARY_POINT));

const EVENT = new MessageType('Event', 'part')
  .field(1, 'timeUnixNano', 'fixed64')
  .field(2, 'name', 'string')
  .list(3, 'attributes', KEY_VALUE);
const LINK = new MessageType('Link', 'part')
  .field(1, 'traceId', 'id')
  .field(2, 'spanId', 'id')
  .list(4, 'attributes', KEY_VALUE);
const SPAN = new MessageType('Span', 'element')
  .field(1, 'traceId', 'id')
  .field(2, 'spanId', 'id')
  .field(4, 'parentSpanId', 'id')
  .field(5, 'name', 'string')
  .field(6, 'kind', SPAN_KIND)
  .field(7, 'startTimeUnixNano', 'fixed64')
  .field(8, 'endTimeUnixNano', 'fixed64')
  .list(9, 'attributes', KEY_VALUE)
  .list(11, 'events', EVENT)
  .list(13, 'links', LINK)
  .field(15, 'status', new MessageType('Status').field(2, 'message', 'string').field(3, 'code', STATUS_CODE));

const LOG_RECORD = new MessageType('LogRecord', 'element')
  .field(1, 'timeUnixNano', 'fixed64')
  .field(2, 'severityNumber', SEVERITY)
  .field(3, 'severityText', 'string')
  .field(5, 'body', ANY_VALUE)
  .list(6, 'attributes', KEY_VALUE)
  .field(9, 'traceId', 'id')
  .field(10, 'spanId', 'id')
  .field(11, 'observedTimeUnixNano', 'fixed64')
  .field(12, 'eventName', 'string');

/** An export request: resources, in each scopes, in each the signal's elements. */
function exportRequest(list: string, scopes: string, [name, element]: [string, MessageType]): MessageType {
  const ofScope = new MessageType(`${scopes} element`).field(1, 'scope', SCOPE).list(2, name, element);
  const ofResource = new MessageType(`${list} element`)
    .field(1, 'resource', RESOURCE)
    .list(2, scopes, ofScope);
  return new MessageType(`the request`).list(1, list, ofResource);
}

export const EXPORT_REQUESTS = {
  metrics: exportRequest('resourceMetrics', 'scopeMetrics', ['metrics', METRIC]),
  traces: exportRequest('resourceSpans', 'scopeSpans', ['spans', SPAN]),
  logs: exportRequest('resourceLogs', 'scopeLogs', ['logRecords', LOG_RECORD]),
} as const;

export type Signal = keyof typeof EXPORT_REQUESTS;
