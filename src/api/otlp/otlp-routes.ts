import type { Encoding, OtlpReceiver } from '#ingest';
import { OmoiError, SerialQueue } from '#telemetry';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import type { ApiApp } from '../http/app.ts';
import { takeBodies, type ByteBudget } from '../http/body-budget.ts';
import type { TakeBytes } from '../http/body-reader.ts';
import { SENDERS_AND_AGENTS } from '../access/roles.ts';
import { senderOf } from '../access/sender.ts';
import { encodedBody } from './decoded-body.ts';

export interface OtlpRouteParts {
  readonly receiver: Pick<OtlpReceiver, 'receive'>;
  readonly encodingOf: (contentType: string) => Encoding;
  readonly encodeError: (encoding: Encoding, error: OmoiError) => Uint8Array;
  /** Limit of a request as it comes in. */
  readonly maxBodyBytes: number;
  /** Limit of a request after decompression. */
  readonly maxDecodedBytes: number;
  /** For bodies as they come in, while they wait, and decompressed. */
  readonly bodies: ByteBudget;
}

const SIGNALS = ['metrics', 'traces', 'logs'] as const;

const CONTENT_TYPES: Readonly<Record<Encoding, string>> = {
  protobuf: 'application/x-protobuf',
  json: 'application/json',
};

/** Larger bodies are decompressed and worked on one after the other; smaller ones don't wait for them. */
const maxSmallBodyBytes = 256 * 1024;

/** OTLP/HTTP: the body's encoding is the answer's, errors included. */
export function registerOtlpRoutes(app: ApiApp, parts: OtlpRouteParts): void {
  void app.register((scope, _options, done) => {
    const holdBody = takeBodies(scope, parts.bodies);
    const large = new SerialQueue();
    scope.setErrorHandler((thrown: FastifyError, request, reply) =>
      answerError(thrown, { request, reply, parts }),
    );
    for (const signal of SIGNALS) {
      scope.route({
        method: 'POST',
        url: `/v1/${signal}`,
        bodyLimit: parts.maxBodyBytes,
        config: {
          access: SENDERS_AND_AGENTS,
          openOnLoopback: true,
          reportsOnly: true,
          takes: Object.values(CONTENT_TYPES),
        },
        schema: {
          tags: ['ingest'],
          summary: `OTLP/HTTP ${signal}, as application/x-protobuf or application/json, gzip allowed`,
        },
        async handler(request, reply) {
          const encoding = parts.encodingOf(request.headers['content-type'] ?? '');
          const sender = { name: senderOf(request.principal), scope: request.principal.scope };
          const encoded = encodedBody(Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0), {
            contentEncoding: request.headers['content-encoding'],
            maxBytes: parts.maxDecodedBytes,
          });
          const answer = await holdBody(request, async (takeBytes) => {
            const take: TakeBytes = (bytes) => {
              refuseGone(reply);
              takeBytes(bytes);
            };
            const receive = async (): Promise<Uint8Array> => {
              refuseGone(reply);
              const body = await encoded.decode(take, scope.bodyReader);
              return parts.receiver.receive({ signal, encoding, body, sender, take });
            };
            return encoded.claimedBytes > maxSmallBodyBytes ? large.run(receive) : receive();
          });
          return reply.type(CONTENT_TYPES[encoding]).send(Buffer.from(answer));
        },
      });
    }
    done();
  });
}

/** A sender that gave up waiting sends its body again: what nobody waits for is not worked on. */
function refuseGone(reply: FastifyReply): void {
  if (reply.raw.destroyed) throw new OmoiError('ingest_busy', 'the sender did not wait for its turn');
}

interface ErrorPlace {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly parts: OtlpRouteParts;
}

/** What is not OTLP's own, and what is the server's fault, is answered as everywhere. */
function answerError(thrown: unknown, { request, reply, parts }: ErrorPlace): FastifyReply {
  const encoding = encodingOrNull(request, parts);
  if (!(thrown instanceof OmoiError) || encoding === null) throw thrown;
  if (thrown.retryable) reply.header('retry-after', '1');
  return reply
    .code(thrown.status)
    .type(CONTENT_TYPES[encoding])
    .send(Buffer.from(parts.encodeError(encoding, thrown)));
}

function encodingOrNull(request: FastifyRequest, parts: OtlpRouteParts): Encoding | null {
  try {
    return parts.encodingOf(request.headers['content-type'] ?? '');
  } catch {
    return null;
  }
}
