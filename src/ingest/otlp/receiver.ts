import {
  OmoiError,
  paced,
  type Clock,
  type Counter,
  type Random,
  type ReceivedLogRecord,
  type ReceivedSpan,
  type Redate,
  type SelfMetrics,
  type Sender,
} from '#telemetry';
import { WireReader } from '../wire-reader.ts';
import { encodeSuccess, type Encoding } from './answer.ts';
import { piecesOf } from './elements.ts';
import { JsonReader } from './json/json-reader.ts';
import { Lanes, laneOf, type Lane } from './lanes.ts';
import { logReader } from './log-records.ts';
import { MetricsIntake } from './metrics/intake.ts';
import { requestWriters } from './metrics/request-writers.ts';
import type { OtlpSampleStore } from './metrics/sample-store.ts';
import { otlpStretch } from './otlp-stretch.ts';
import { Refusals } from './refusals.ts';
import type { Authority, OtlpSender } from './sender.ts';
import { spanReader } from './spans.ts';
import { checkWire } from './wire/check.ts';
import { EXPORT_REQUESTS, type Signal } from './wire/messages.ts';
import type { TakeMemory } from './wire/wire-writer.ts';

/** Pieces that are stored together: a commit costs as much as one. */
const piecesPerCommit = 4;

export interface OtlpReceiverOptions extends Authority {
  readonly clock: Clock;
  readonly random: Random;
  readonly samples: OtlpSampleStore;
  readonly spans: { receive(spans: readonly ReceivedSpan[]): Promise<void> };
  readonly logs: { receive(records: readonly ReceivedLogRecord[]): Promise<void> };
  readonly selfMetrics: SelfMetrics;
  /** How senders' times are put right now, null where they need not be; never where absent. */
  readonly redating?: () => Redate | null;
}

export interface OtlpRequest {
  readonly signal: Signal;
  readonly encoding: Encoding;
  readonly body: Uint8Array;
  readonly sender: OtlpSender;
  /** Called before memory is used for what the body becomes on its way. @throws OmoiError `ingest_busy`, `body_too_large` */
  readonly take: TakeMemory;
}

export interface OtlpReceiver {
  /**
   * Stores what a request carries; returns the encoded response, which says what was refused, once the rest is kept.
   * Metrics are answered when they survive a crash. Spans and records are stored in pieces: where that fails in the
   * middle, the sender sends all of it again, and spans are kept once.
   * @throws OmoiError `malformed_json`, `payload_undecodable`, `body_too_large`, `ingest_busy`: then nothing was kept;
   *   `storage_full`, `storage_failed`
   */
  receive(request: OtlpRequest): Promise<Uint8Array>;
}

export function createOtlpReceiver(options: OtlpReceiverOptions): OtlpReceiver {
  return new Receiver(options);
}

class Receiver implements OtlpReceiver {
  readonly #options: OtlpReceiverOptions;
  readonly #metrics: MetricsIntake;
  readonly #refused: Counter;
  readonly #leftOut: Counter;
  readonly #lanes: Lanes;

  constructor(options: OtlpReceiverOptions) {
    this.#options = options;
    this.#lanes = new Lanes(options.clock);
    this.#metrics = new MetricsIntake({ ...options, authority: options });
    this.#refused = options.selfMetrics.counter(
      'omoi_otlp_refused_total',
      'OTLP points, spans and records refused.',
    );
    this.#leftOut = options.selfMetrics.counter(
      'omoi_otlp_left_out_total',
      'Attributes, events, links and exemplars left out of OTLP elements that were stored.',
    );
  }

  async receive(request: OtlpRequest): Promise<Uint8Array> {
    const { signal, encoding, sender } = request;
    const refusals = new Refusals();
    const size = laneOf(request.body.length);
    const wire = encoding === 'json' ? await this.#fromJson(request, refusals) : request.body;
    if (signal === 'metrics') {
      const taken = await this.#lanes.runInOrder(size, requestWriters(wire), (lane) =>
        this.#metrics.take(wire, { sender, refusals, lane }),
      );
      await taken.durable;
    } else {
      if (encoding === 'protobuf') await this.#check(signal, wire);
      await this.#storePieces({ signal, lane: size, sender: sender.name }, wire, refusals);
    }
    const partial = refusals.partialSuccess;
    if (partial.rejected > 0) this.#refused.add(partial.rejected, { signal });
    if (refusals.leftOut > 0) this.#leftOut.add(refusals.leftOut, { signal });
    return encodeSuccess(signal, encoding, partial);
  }

  #fromJson({ signal, body, take }: OtlpRequest, refusals: Refusals): Promise<Uint8Array> {
    return this.#lanes.run(laneOf(body.length), () => {
      const reader = new JsonReader(body, { root: EXPORT_REQUESTS[signal], refusals, take });
      return paced(reader.read(), otlpStretch(this.#options.clock));
    });
  }

  #check(signal: Signal, wire: Uint8Array): Promise<void> {
    return this.#lanes.run(laneOf(wire.length), () =>
      paced(checkWire(readerOf(wire), EXPORT_REQUESTS[signal]), otlpStretch(this.#options.clock)),
    );
  }

  /** Reads pieces while those before them are stored. */
  async #storePieces(
    {
      signal,
      lane,
      sender,
    }: { readonly signal: 'traces' | 'logs'; readonly lane: Lane; readonly sender: Sender },
    wire: Uint8Array,
    refusals: Refusals,
  ): Promise<void> {
    const { clock, spans, logs } = this.#options;
    const reading = { reader: readerOf(wire), refusals, receivedAtMs: clock.wallMs() };
    const { reader } = reading;
    if (signal === 'traces') {
      const pieces = piecesOf(reader, { readElement: spanReader(reading), refusals, sender });
      await this.#eachPiece(lane, pieces, (piece) => spans.receive(piece));
    } else {
      const pieces = piecesOf(reader, { readElement: logReader(reading), refusals, sender });
      await this.#eachPiece(lane, pieces, (piece) => logs.receive(piece));
    }
  }

  async #eachPiece<Element>(
    lane: Lane,
    pieces: Generator<readonly Element[]>,
    store: (piece: readonly Element[]) => Promise<void>,
  ): Promise<void> {
    let stored = Promise.resolve();
    let waiting: (readonly Element[])[] = [];
    for (;;) {
      const next = await this.#lanes.run(lane, async () => pieces.next());
      if (!next.done && next.value.length > 0) waiting.push(next.value);
      if (!next.done && waiting.length < piecesPerCommit) continue;
      await stored;
      if (waiting.length > 0) stored = store(waiting.flat());
      // Awaited before the next are stored; until then a failure is not unhandled.
      stored.catch(() => undefined);
      waiting = [];
      if (next.done) return stored;
    }
  }
}

function readerOf(bytes: Uint8Array): WireReader {
  const reader = new WireReader('OTLP request');
  reader.reset(bytes);
  return reader;
}

/** The encoding a content type asks for, or an error that lists what is read. */
export function encodingOf(contentType: string): Encoding {
  const type = contentType.split(';')[0]?.trim().toLowerCase();
  if (type === 'application/x-protobuf') return 'protobuf';
  if (type === 'application/json') return 'json';
  throw new OmoiError(
    'unsupported_media_type',
    `OTLP is read as application/x-protobuf or application/json, not ${contentType === '' ? 'without a content type' : `"${contentType}"`}`,
  );
}
