/**
 * The OTLP messages that Omoi reads, as tables: field number → JSON name and type (opentelemetry-proto 1.x).
 * The protobuf reader turns bytes into the same shape that OTLP/JSON has, so that one conversion serves both.
 */
export type FieldType =
  | 'string'
  | 'bytes_hex'
  | 'bytes_base64'
  | 'bool'
  | 'varint'
  | 'sint32'
  | 'fixed64'
  | 'sfixed64'
  | 'double'
  | 'fixed32'
  | MessageTable;

export interface Field {
  readonly name: string;
  readonly type: FieldType;
  readonly repeated?: true;
}

/** Fields by number. A getter is used where a message contains itself. */
export type MessageTable = { readonly [number: number]: Field };

const anyValue: MessageTable = {
  1: { name: 'stringValue', type: 'string' },
  2: { name: 'boolValue', type: 'bool' },
  3: { name: 'intValue', type: 'varint' },
  4: { name: 'doubleValue', type: 'double' },
  get 5(): Field {
    return { name: 'arrayValue', type: arrayValue };
  },
  get 6(): Field {
    return { name: 'kvlistValue', type: keyValueList };
  },
  7: { name: 'bytesValue', type: 'bytes_base64' },
};
const arrayValue: MessageTable = { 1: { name: 'values', type: anyValue, repeated: true } };
const keyValue: MessageTable = { 1: { name: 'key', type: 'string' }, 2: { name: 'value', type: anyValue } };
const keyValueList: MessageTable = { 1: { name: 'values', type: keyValue, repeated: true } };
const resource: MessageTable = { 1: { name: 'attributes', type: keyValue, repeated: true } };
const scope: MessageTable = { 1: { name: 'name', type: 'string' }, 2: { name: 'version', type: 'string' } };

const numberPoint: MessageTable = {
  2: { name: 'startTimeUnixNano', type: 'fixed64' },
  3: { name: 'timeUnixNano', type: 'fixed64' },
  4: { name: 'asDouble', type: 'double' },
  6: { name: 'asInt', type: 'sfixed64' },
  7: { name: 'attributes', type: keyValue, repeated: true },
  8: { name: 'flags', type: 'varint' },
};
const histogramPoint: MessageTable = {
  2: { name: 'startTimeUnixNano', type: 'fixed64' },
  3: { name: 'timeUnixNano', type: 'fixed64' },
  4: { name: 'count', type: 'fixed64' },
  5: { name: 'sum', type: 'double' },
  6: { name: 'bucketCounts', type: 'fixed64', repeated: true },
  7: { name: 'explicitBounds', type: 'double', repeated: true },
  9: { name: 'attributes', type: keyValue, repeated: true },
  10: { name: 'flags', type: 'varint' },
};
const exponentialBuckets: MessageTable = {
  1: { name: 'offset', type: 'sint32' },
  2: { name: 'bucketCounts', type: 'varint', repeated: true },
};
const exponentialPoint: MessageTable = {
  1: { name: 'attributes', type: keyValue, repeated: true },
  3: { name: 'timeUnixNano', type: 'fixed64' },
  4: { name: 'count', type: 'fixed64' },
  5: { name: 'sum', type: 'double' },
  6: { name: 'scale', type: 'sint32' },
  7: { name: 'zeroCount', type: 'fixed64' },
  8: { name: 'positive', type: exponentialBuckets },
  9: { name: 'negative', type: exponentialBuckets },
  10: { name: 'flags', type: 'varint' },
  14: { name: 'zeroThreshold', type: 'double' },
};
const quantile: MessageTable = {
  1: { name: 'quantile', type: 'double' },
  2: { name: 'value', type: 'double' },
};
const summaryPoint: MessageTable = {
  3: { name: 'timeUnixNano', type: 'fixed64' },
  4: { name: 'count', type: 'fixed64' },
  5: { name: 'sum', type: 'double' },
  6: { name: 'quantileValues', type: quantile, repeated: true },
  7: { name: 'attributes', type: keyValue, repeated: true },
  8: { name: 'flags', type: 'varint' },
};
const gauge: MessageTable = { 1: { name: 'dataPoints', type: numberPoint, repeated: true } };
const sum: MessageTable = {
  1: { name: 'dataPoints', type: numberPoint, repeated: true },
  2: { name: 'aggregationTemporality', type: 'varint' },
  3: { name: 'isMonotonic', type: 'bool' },
};
const histogram: MessageTable = {
  1: { name: 'dataPoints', type: histogramPoint, repeated: true },
  2: { name: 'aggregationTemporality', type: 'varint' },
};
const exponentialHistogram: MessageTable = {
  1: { name: 'dataPoints', type: exponentialPoint, repeated: true },
  2: { name: 'aggregationTemporality', type: 'varint' },
};
const summary: MessageTable = { 1: { name: 'dataPoints', type: summaryPoint, repeated: true } };
const metric: MessageTable = {
  1: { name: 'name', type: 'string' },
  2: { name: 'description', type: 'string' },
  3: { name: 'unit', type: 'string' },
  5: { name: 'gauge', type: gauge },
  7: { name: 'sum', type: sum },
  9: { name: 'histogram', type: histogram },
  10: { name: 'exponentialHistogram', type: exponentialHistogram },
  11: { name: 'summary', type: summary },
};
const scopeMetrics: MessageTable = {
  1: { name: 'scope', type: scope },
  2: { name: 'metrics', type: metric, repeated: true },
};
const resourceMetrics: MessageTable = {
  1: { name: 'resource', type: resource },
  2: { name: 'scopeMetrics', type: scopeMetrics, repeated: true },
};

const spanEvent: MessageTable = {
  1: { name: 'timeUnixNano', type: 'fixed64' },
  2: { name: 'name', type: 'string' },
  3: { name: 'attributes', type: keyValue, repeated: true },
};
const spanLink: MessageTable = {
  1: { name: 'traceId', type: 'bytes_hex' },
  2: { name: 'spanId', type: 'bytes_hex' },
  4: { name: 'attributes', type: keyValue, repeated: true },
};
const spanStatus: MessageTable = {
  2: { name: 'message', type: 'string' },
  3: { name: 'code', type: 'varint' },
};
const span: MessageTable = {
  1: { name: 'traceId', type: 'bytes_hex' },
  2: { name: 'spanId', type: 'bytes_hex' },
  4: { name: 'parentSpanId', type: 'bytes_hex' },
  5: { name: 'name', type: 'string' },
  6: { name: 'kind', type: 'varint' },
  7: { name: 'startTimeUnixNano', type: 'fixed64' },
  8: { name: 'endTimeUnixNano', type: 'fixed64' },
  9: { name: 'attributes', type: keyValue, repeated: true },
  11: { name: 'events', type: spanEvent, repeated: true },
  13: { name: 'links', type: spanLink, repeated: true },
  15: { name: 'status', type: spanStatus },
};
const scopeSpans: MessageTable = {
  1: { name: 'scope', type: scope },
  2: { name: 'spans', type: span, repeated: true },
};
const resourceSpans: MessageTable = {
  1: { name: 'resource', type: resource },
  2: { name: 'scopeSpans', type: scopeSpans, repeated: true },
};

const logRecord: MessageTable = {
  1: { name: 'timeUnixNano', type: 'fixed64' },
  2: { name: 'severityNumber', type: 'varint' },
  3: { name: 'severityText', type: 'string' },
  5: { name: 'body', type: anyValue },
  6: { name: 'attributes', type: keyValue, repeated: true },
  9: { name: 'traceId', type: 'bytes_hex' },
  10: { name: 'spanId', type: 'bytes_hex' },
  11: { name: 'observedTimeUnixNano', type: 'fixed64' },
  12: { name: 'eventName', type: 'string' },
};
const scopeLogs: MessageTable = {
  1: { name: 'scope', type: scope },
  2: { name: 'logRecords', type: logRecord, repeated: true },
};
const resourceLogs: MessageTable = {
  1: { name: 'resource', type: resource },
  2: { name: 'scopeLogs', type: scopeLogs, repeated: true },
};

/** The three export requests. */
export const EXPORT_REQUESTS = {
  metrics: { 1: { name: 'resourceMetrics', type: resourceMetrics, repeated: true } },
  traces: { 1: { name: 'resourceSpans', type: resourceSpans, repeated: true } },
  logs: { 1: { name: 'resourceLogs', type: resourceLogs, repeated: true } },
} as const satisfies Record<string, MessageTable>;

export type Signal = keyof typeof EXPORT_REQUESTS;
