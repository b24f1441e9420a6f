import { setTimeout as delay } from 'node:timers/promises';
import { RefusedRequest, type OutgoingRequest } from '../../load/connection.ts';
import { ConnectionPool } from '../../load/connection-pool.ts';
import { otlpRequest, type OtlpEncoding, type OtlpSignal } from '../otlp-bodies.ts';
import { scaledMs, secondsUntil, type Happened, type Stage } from '../stage.ts';

const BODY_BYTES = 8_000_000;
const SENDERS = 2;
const SEND_EVERY_MS = 2000;
const SENDING_MS = 24_000;
const SIGNALS: readonly OtlpSignal[] = ['metrics', 'traces', 'logs'];
/** The first run of retention comes a minute after the start. */
const RETENTION_FROM_MS = 60_000;
const RETENTION_MS = 60_000;
/** In a small run all is gone before a probe has noticed anything. */
const CALM_AFTER_MS = 10_000;

const bodyBytes = (stage: Stage): number =>
  Math.max(100_000, Math.round(BODY_BYTES * Math.min(1, 4 * stage.scale)));

/** The senders' series are there before they send more than usual. */
export function sendersAreKnown(encoding: OtlpEncoding): (stage: Stage) => Promise<void> {
  return async (stage) => {
    const connections = await ConnectionPool.open(stage.server.otlpUrl, stage.server.tokens.admin, 1);
    for (let sender = 0; sender < SENDERS; sender++) {
      await connections.send(otlpRequest('metrics', { encoding, bytes: bodyBytes(stage), sender }));
    }
    connections.close();
  };
}

/** Two senders post a body of 8 MB every two seconds each, metrics, traces and logs in turn. */
export function sendersPost(encoding: OtlpEncoding): (stage: Stage) => Promise<Happened> {
  return async (stage) => {
    const bytes = bodyBytes(stage);
    const forMs = scaledMs(stage, SENDING_MS);
    // Making one takes as long as sending it: all are there before the first is sent.
    const bodiesOf = (number: number): readonly OutgoingRequest[] =>
      Array.from({ length: Math.ceil(forMs / SEND_EVERY_MS) }, (_, at) =>
        otlpRequest(SIGNALS[(number + at) % SIGNALS.length] ?? 'metrics', {
          encoding,
          bytes,
          sender: number,
        }),
      );
    const requests = Array.from({ length: SENDERS }, (_, number) => bodiesOf(number));
    const outcome = { bodies: 0, refused: 0, megabytes: 0, longest_answer_ms: 0 };
    const refusals: string[] = [];
    const sender = async (number: number): Promise<void> => {
      const connections = await ConnectionPool.open(stage.server.otlpUrl, stage.server.tokens.admin, 1);
      await delay((SEND_EVERY_MS * number) / SENDERS);
      for (const request of requests[number] ?? []) {
        const pause = delay(SEND_EVERY_MS);
        const sentAt = performance.now();
        try {
          await connections.send(request);
          outcome.bodies++;
          outcome.megabytes += (request.body?.length ?? 0) / 1e6;
        } catch (error) {
          if (!(error instanceof RefusedRequest)) throw error;
          outcome.refused++;
          refusals.push(`${request.path}: ${error.message}`);
        }
        outcome.longest_answer_ms = Math.max(outcome.longest_answer_ms, performance.now() - sentAt);
        await pause;
      }
      connections.close();
    };
    await Promise.all(Array.from({ length: SENDERS }, (_, number) => sender(number)));
    if (refusals[0] !== undefined) throw new Error(`${outcome.refused} bodies were refused: ${refusals[0]}`);
    return {
      ...outcome,
      megabytes: Math.round(outcome.megabytes),
      longest_answer_ms: Math.round(outcome.longest_answer_ms),
    };
  };
}

/** A fifth of the spans are past their retention; begins when its first run is due. */
export async function spansExpire(stage: Stage): Promise<Happened> {
  const expired = Math.floor(stage.history.spans / 5);
  const gone = (): Promise<number> => gauge(stage, 'omoi_retention_deleted_total{table="trace_spans"}');
  const patienceMs = RETENTION_FROM_MS + RETENTION_MS;
  const seconds = await secondsUntil(async () => (await gone()) >= expired * 0.99, patienceMs);
  await delay(scaledMs(stage, CALM_AFTER_MS));
  return { expired, deleted: await gone(), seconds_since_start: seconds };
}

/** A line of the metrics page; 0 where it is not there yet. */
export async function gauge({ connections }: Pick<Stage, 'connections'>, line: string): Promise<number> {
  const page = await connections.send({ method: 'GET', path: '/metrics' });
  const found = page.split('\n').find((one) => one.startsWith(`${line} `));
  return Number(found?.slice(line.length + 1) ?? 0);
}
