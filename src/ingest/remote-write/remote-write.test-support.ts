import {
  SelfMetrics,
  VirtualClock,
  createMatcher,
  createSeededRandom,
  silentLogger,
  type Redate,
  type SelectedSeries,
  type Sender,
} from '#telemetry';
import { createTsdb, type Tsdb, type TsdbLimits } from '#tsdb';
import { encodeWriteRequest, snappy, type RequestSeries } from '../../../tests/remote-write-request.ts';
import { createRemoteWriteReceiver, type RemoteWriteReceiver } from './receiver.ts';

/** A receiver before an empty store. The metric `agent_heartbeats_missed` is Omoi's own. */
export interface ReceiverStage {
  readonly clock: VirtualClock;
  readonly selfMetrics: SelfMetrics;
  readonly tsdb: Tsdb;
  /** Bytes of a request, uncompressed. */
  sendBytes(request: Uint8Array, sender?: Sender): ReturnType<RemoteWriteReceiver['handle']>;
  /** @param rest further fields of the request */
  send(series: readonly RequestSeries[], rest?: Uint8Array): ReturnType<RemoteWriteReceiver['handle']>;
  selectAll(): readonly SelectedSeries[];
  /** A sample at the clock's time and so many ms. */
  at(
    offsetMs: number,
    value?: number | Uint8Array,
  ): { readonly timestampMs: number; readonly value: number | Uint8Array };
}

export async function openReceiver(
  limits: Partial<TsdbLimits> = {},
  redate: Redate | null = null,
): Promise<ReceiverStage> {
  const clock = new VirtualClock();
  const selfMetrics = new SelfMetrics();
  const tsdb = await createTsdb({ clock, logger: silentLogger, selfMetrics, limits });
  const receiver = createRemoteWriteReceiver({
    sink: tsdb,
    clock,
    random: createSeededRandom(1),
    selfMetrics,
    redating: () => redate,
    isReserved: (name) => name === 'agent_heartbeats_missed',
  });
  const sendBytes: ReceiverStage['sendBytes'] = (request, sender = 'token:test') =>
    receiver.handle({ body: snappy(request), traceparent: null, sender });
  return {
    clock,
    selfMetrics,
    tsdb,
    sendBytes,
    send: (series, rest) => sendBytes(encodeWriteRequest(series, rest)),
    selectAll() {
      const matchers = [createMatcher('__name__', '=~', '.+')];
      const found = tsdb.select({ matchers, startMs: 0, endMs: clock.wallMs() + 1e9 });
      if (found instanceof Promise) throw new Error('answered with a promise');
      return found;
    },
    at: (offsetMs, value = 1) => ({ timestampMs: clock.wallMs() + offsetMs, value }),
  };
}

export const named = (name: string, ...more: (readonly [string, string])[]) => [
  ['__name__', name] as const,
  ...more,
];
