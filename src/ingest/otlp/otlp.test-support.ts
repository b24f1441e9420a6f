import { readFileSync } from 'node:fs';
import protobuf from 'protobufjs';
import {
  createMatcher,
  createSeededRandom,
  formatLabels,
  isStaleMarker,
  SelfMetrics,
  silentLogger,
  VirtualClock,
  wordsOf,
  type HistogramValue,
  type ReceivedLogRecord,
  type ReceivedSpan,
  type Redate,
  type SelectedSeries,
} from '#telemetry';
import { createTsdb, type Tsdb, type TsdbLimits } from '#tsdb';
import type { Encoding } from './answer.ts';
import type { OtlpSampleStore } from './metrics/sample-store.ts';
import { createOtlpReceiver, type OtlpReceiver } from './receiver.ts';
import type { OtlpSender } from './sender.ts';
import type { Signal } from './wire/messages.ts';

const root = protobuf.parse(readFileSync(new URL('testdata/otlp.proto', import.meta.url), 'utf8')).root;
const TYPES: Readonly<Record<Signal, protobuf.Type>> = {
  metrics: root.lookupType('otlp.ExportMetricsServiceRequest'),
  traces: root.lookupType('otlp.ExportTraceServiceRequest'),
  logs: root.lookupType('otlp.ExportLogsServiceRequest'),
};

/** The bytes of a request, as a reference encoder writes them; ids are hex digits in the message, as in OTLP/JSON. */
export function encodeProtobuf(signal: Signal, message: object): Uint8Array {
  return TYPES[signal]
    .encode(TYPES[signal].fromObject(withBytes(message) as Record<string, unknown>))
    .finish();
}

const IDS: ReadonlySet<string> = new Set(['traceId', 'spanId', 'parentSpanId']);

/** What JSON keeps of a value, its ids in base64: requests of a million parts take long by way of a text. */
function withBytes(value: unknown, key = ''): unknown {
  if (typeof value === 'string') return IDS.has(key) ? Buffer.from(value, 'hex').toString('base64') : value;
  if (typeof value === 'number') return Number.isFinite(value) ? value + 0 : null;
  if (Array.isArray(value)) return value.map((element) => withBytes(element));
  if (typeof value !== 'object' || value === null) return value;
  const copy: Record<string, unknown> = {};
  for (const [name, one] of Object.entries(value)) if (one !== undefined) copy[name] = withBytes(one, name);
  return copy;
}

/** Histograms and numbers as tests compare them; NaN and infinities as text, `stale` where a series ends. */
export type StoredValue = number | string | Partial<HistogramValue>;

export interface OtlpTest {
  readonly clock: VirtualClock;
  readonly tsdb: Tsdb;
  readonly receiver: OtlpReceiver;
  readonly selfMetrics: SelfMetrics;
  readonly spans: ReceivedSpan[];
  readonly logs: ReceivedLogRecord[];
  /** Nanoseconds, as text, so many milliseconds after the start of the test. */
  readonly ns: (afterMs: number) => string;
  /** Sends bytes, a text, or a message that is written in the encoding; the answer as JSON has it. */
  send(
    signal: Signal,
    body: Body,
    how?: {
      readonly encoding?: Encoding;
      readonly name?: OtlpSender['name'];
      readonly scope?: OtlpSender['scope'];
      readonly take?: (bytes: number) => void;
    },
  ): Promise<Answer>;
  /** Another receiver before the same store, as after a restart: it knows nobody. Its metrics are counted apart. */
  restartReceiver(): void;
  /** All series but target_info: values by time after the start of the test. */
  stored(name?: string): Record<string, Record<number, StoredValue>>;
}

export type Body = object | string | Uint8Array;

export interface Answer {
  readonly rejected: number;
  readonly message: string;
}

/** A receiver over the real metrics store in memory, and lists for spans and records. */
export async function startOtlp({
  limits = {},
  samples = (tsdb) => tsdb,
  stores = {},
  nowMs,
  redate = null,
}: {
  /** How the senders' times are put right. */
  readonly redate?: Redate | null;
  /** Wall clock at the start. */
  readonly nowMs?: number;
  readonly limits?: Partial<TsdbLimits>;
  readonly samples?: (tsdb: Tsdb) => OtlpSampleStore;
  readonly stores?: { readonly spans?: (spans: readonly ReceivedSpan[]) => Promise<void> };
} = {}): Promise<OtlpTest> {
  const clock = new VirtualClock(nowMs);
  const startMs = clock.wallMs();
  const selfMetrics = new SelfMetrics();
  const tsdb = await createTsdb({ clock, logger: silentLogger, selfMetrics, limits });
  const spans: ReceivedSpan[] = [];
  const logs: ReceivedLogRecord[] = [];
  const startReceiver = (metrics: SelfMetrics): OtlpReceiver =>
    createOtlpReceiver({
      clock,
      random: createSeededRandom(1),
      samples: samples(tsdb),
      selfMetrics: metrics,
      redating: () => redate,
      isReserved: (name) => name === 'anomaly_score',
      agentPool: (agentId) => (agentId.startsWith('coder-') ? 'coders' : null),
      spans: { receive: stores.spans ?? (async (received) => void spans.push(...received)) },
      logs: { receive: async (received) => void logs.push(...received) },
    });
  let receiver = startReceiver(selfMetrics);
  return {
    clock,
    tsdb,
    get receiver() {
      return receiver;
    },
    restartReceiver() {
      receiver = startReceiver(new SelfMetrics());
    },
    selfMetrics,
    spans,
    logs,
    ns: (afterMs) => `${startMs + afterMs}000000`,
    async send(
      signal,
      body,
      { encoding = 'json', name = 'token:test', scope = null, take = () => undefined } = {},
    ) {
      const bytes = bytesOf(signal, encoding, body);
      const answer = await receiver.receive({ signal, encoding, body: bytes, sender: { name, scope }, take });
      return answerOf(signal, encoding, answer);
    },
    stored: (name) => storedSeries(tsdb, startMs, name),
  };
}

function bytesOf(signal: Signal, encoding: Encoding, body: Body): Uint8Array {
  if (body instanceof Uint8Array) return body;
  if (typeof body === 'string') return Buffer.from(body);
  return encoding === 'json' ? Buffer.from(JSON.stringify(body)) : encodeProtobuf(signal, body);
}

const PARTIAL = protobuf
  .parse(
    'syntax = "proto3"; message Partial { int64 rejected = 1; string message = 2; } message Answer { Partial partial = 1; }',
  )
  .root.lookupType('Answer');

function answerOf(signal: Signal, encoding: Encoding, bytes: Uint8Array): Answer {
  if (encoding === 'protobuf') {
    const answer = PARTIAL.toObject(PARTIAL.decode(bytes), { longs: Number, defaults: true }) as {
      partial: { rejected: number; message: string } | null;
    };
    return { rejected: answer.partial?.rejected ?? 0, message: answer.partial?.message ?? '' };
  }
  const name = { metrics: 'rejectedDataPoints', traces: 'rejectedSpans', logs: 'rejectedLogRecords' }[signal];
  const { partialSuccess = {} } = JSON.parse(Buffer.from(bytes).toString()) as {
    partialSuccess?: Record<string, string>;
  };
  return { rejected: Number(partialSuccess[name] ?? 0), message: partialSuccess['errorMessage'] ?? '' };
}

function storedSeries(
  tsdb: Tsdb,
  startMs: number,
  name?: string,
): Record<string, Record<number, StoredValue>> {
  const matcher =
    name === undefined
      ? createMatcher('__name__', '!=', 'target_info')
      : createMatcher('__name__', '=', name);
  const found = tsdb.select({ matchers: [matcher], startMs: 0, endMs: startMs + 1e9 });
  if (found instanceof Promise) throw new Error('answered with a promise');
  const entries = found.map((series) => [formatLabels(series.labels), samplesOf(series, startMs)] as const);
  return Object.fromEntries(entries.toSorted(([left], [right]) => (left < right ? -1 : 1)));
}

function samplesOf(
  { timestampsMs, values, histograms }: SelectedSeries,
  startMs: number,
): Record<number, StoredValue> {
  const words = wordsOf(values);
  return Object.fromEntries(
    Array.from(timestampsMs, (timeMs, at) => {
      const value = values[at] ?? 0;
      const plain = isStaleMarker(words, at) ? 'stale' : Number.isFinite(value) ? value : String(value);
      return [timeMs - startMs, histograms?.[at] ?? plain];
    }),
  );
}
