import { field, tag } from '../../tests/remote-write-request.ts';
import type { OutgoingRequest } from '../load/connection.ts';

export type OtlpSignal = 'metrics' | 'traces' | 'logs';
export type OtlpEncoding = 'protobuf' | 'json';

export interface BodyOptions {
  readonly encoding: OtlpEncoding;
  /** How large the body is to be, about. */
  readonly bytes: number;
  /** Senders have series of their own. */
  readonly sender: number;
}

const TYPES = {
  protobuf: 'content-type: application/x-protobuf\r\n',
  json: 'content-type: application/json\r\n',
} as const;

/** An export request as large as asked: one resource, one scope, points of 100 metrics, spans or records. */
export function otlpRequest(signal: OtlpSignal, options: BodyOptions): OutgoingRequest {
  const nowNano = BigInt(Date.now()) * 1_000_000n;
  const make = options.encoding === 'json' ? JSON_BODIES[signal] : PROTOBUF_BODIES[signal];
  return {
    method: 'POST',
    path: `/v1/${signal}`,
    headers: TYPES[options.encoding],
    body: make(options, nowNano),
  };
}

type MakeBody = (options: BodyOptions, nowNano: bigint) => Uint8Array;

const METRIC_COUNT = 100;
/** Makes a point as long as it is in JSON, about, so that 8 MB hold fewer new series than a request may bring. */
const CLIENT = 'a client of the bench, whose name is as long as the names of clients are';
const serviceOf = (sender: number): string => `bench-sender-${sender}`;
const hex = (number: number, digits: number): string => number.toString(16).padStart(digits, '0');
/** Different in each body, so that no span is one that is known already. */
let bodies = 0;

// ---- JSON: repeated elements as text of a known size, since stringifying megabytes would take the sender's time.

const attribute = (key: string, value: string): string =>
  `{"key":"${key}","value":{"stringValue":"${value}"}}`;

function jsonElements(bytes: number, element: (number: number) => string): string {
  const count = Math.max(1, Math.floor(bytes / (element(0).length + 1)));
  return Array.from({ length: count }, (_, number) => element(number)).join(',');
}

const jsonResource = (sender: number): string =>
  `"resource":{"attributes":[${attribute('service.name', serviceOf(sender))}]}`;

const JSON_BODIES: Readonly<Record<OtlpSignal, MakeBody>> = {
  metrics({ bytes, sender }, nowNano) {
    const metrics = Array.from({ length: METRIC_COUNT }, (_, metric) => {
      const points = jsonElements(
        bytes / METRIC_COUNT,
        (number) =>
          `{"attributes":[${attribute('route', `/orders/${number}`)},${attribute('host', `host-${number % 50}`)}],` +
          `"timeUnixNano":"${nowNano}","asDouble":${(number * 7.25) % 1000}}`,
      );
      return `{"name":"bench.metric.${metric}","unit":"1","gauge":{"dataPoints":[${points}]}}`;
    });
    return Buffer.from(
      `{"resourceMetrics":[{${jsonResource(sender)},"scopeMetrics":[{"scope":{"name":"bench"},"metrics":[${metrics.join(',')}]}]}]}`,
    );
  },
  traces({ bytes, sender }, nowNano) {
    const body = ++bodies;
    const spans = jsonElements(
      bytes,
      (number) =>
        `{"traceId":"${hex(body, 8)}${hex(sender, 8)}${hex(number >> 4, 16)}","spanId":"${hex(number + 1, 16)}",` +
        `"name":"operation-${number % 40}","kind":2,"startTimeUnixNano":"${nowNano - 1_000_000n}",` +
        `"endTimeUnixNano":"${nowNano}","attributes":[${attribute('http.method', 'POST')},${attribute('peer', `host-${number % 50}`)}],"status":{}}`,
    );
    return Buffer.from(
      `{"resourceSpans":[{${jsonResource(sender)},"scopeSpans":[{"scope":{"name":"bench"},"spans":[${spans}]}]}]}`,
    );
  },
  logs({ bytes, sender }, nowNano) {
    const records = jsonElements(
      bytes,
      (number) =>
        `{"timeUnixNano":"${nowNano}","severityNumber":9,"severityText":"INFO",` +
        `"body":{"stringValue":"order ${number} was taken over by the next stage after a while"},` +
        `"attributes":[${attribute('order', String(number))},${attribute('host', `host-${number % 50}`)}]}`,
    );
    return Buffer.from(
      `{"resourceLogs":[{${jsonResource(sender)},"scopeLogs":[{"scope":{"name":"bench"},"logRecords":[${records}]}]}]}`,
    );
  },
};

// ---- protobuf: opentelemetry/proto; numbers are those of the fields.

const text = (number: number, value: string): Uint8Array => field(number, Buffer.from(value));
const message = (number: number, ...parts: Uint8Array[]): Uint8Array => field(number, Buffer.concat(parts));
const keyValue = (number: number, key: string, value: string): Uint8Array =>
  message(number, text(1, key), field(2, text(1, value)));

function fixed64(number: number, value: bigint): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return Buffer.concat([tag(number, 1), bytes]);
}

function double(number: number, value: number): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return Buffer.concat([tag(number, 1), bytes]);
}

const varintField = (number: number, value: number): Uint8Array =>
  Buffer.concat([tag(number, 0), Buffer.from([value])]);

/** As many elements as fit; made anew only as far as they differ. */
function protobufElements(bytes: number, element: (number: number) => Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let length = 0; length < bytes || parts.length === 0;) {
    const next = element(parts.length);
    parts.push(next);
    length += next.length;
  }
  return Buffer.concat(parts);
}

const protobufResource = (sender: number): Uint8Array =>
  message(1, keyValue(1, 'service.name', serviceOf(sender)));
const protobufScope = message(1, text(1, 'bench'));

const PROTOBUF_BODIES: Readonly<Record<OtlpSignal, MakeBody>> = {
  metrics({ bytes, sender }, nowNano) {
    const time = fixed64(3, nowNano);
    const metrics = Array.from({ length: METRIC_COUNT }, (_, metric) => {
      const points = protobufElements(bytes / METRIC_COUNT, (number) =>
        message(
          1,
          keyValue(7, 'route', `/orders/${number}`),
          keyValue(7, 'host', `host-${number % 50}`),
          keyValue(7, 'client', CLIENT),
          time,
          double(4, (number * 7.25) % 1000),
        ),
      );
      return message(2, text(1, `bench.metric.${metric}`), text(3, '1'), field(5, points));
    });
    return message(1, protobufResource(sender), message(2, protobufScope, ...metrics));
  },
  traces({ bytes, sender }, nowNano) {
    const body = ++bodies;
    const times = Buffer.concat([fixed64(7, nowNano - 1_000_000n), fixed64(8, nowNano)]);
    const spans = protobufElements(bytes, (number) =>
      message(
        2,
        field(1, Buffer.from(`${hex(body, 8)}${hex(sender, 8)}${hex(number >> 4, 16)}`, 'hex')),
        field(2, Buffer.from(hex(number + 1, 16), 'hex')),
        text(5, `operation-${number % 40}`),
        varintField(6, 2),
        times,
        keyValue(9, 'http.method', 'POST'),
        keyValue(9, 'peer', `host-${number % 50}`),
      ),
    );
    return message(1, protobufResource(sender), message(2, protobufScope, spans));
  },
  logs({ bytes, sender }, nowNano) {
    const time = fixed64(1, nowNano);
    const records = protobufElements(bytes, (number) =>
      message(
        2,
        time,
        varintField(2, 9),
        text(3, 'INFO'),
        field(5, text(1, `order ${number} was taken over by the next stage after a while`)),
        keyValue(6, 'order', String(number)),
        keyValue(6, 'host', `host-${number % 50}`),
      ),
    );
    return message(1, protobufResource(sender), message(2, protobufScope, records));
  },
};
