import type { Encoding, OtlpReceiver } from '#ingest';
import { promisify } from 'node:util';
import { gunzip, inflate } from 'node:zlib';
import { OmoiError, type ErrorCode } from '#telemetry';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ApiApp } from '../http/app.ts';
import { countBodies, type BodyBudget } from '../http/body-budget.ts';
import { SENDERS_AND_AGENTS } from '../access/roles.ts';

export interface OtlpRouteParts {
  readonly receiver: Pick<OtlpReceiver, 'receive'>;
  readonly encodingOf: (contentType: string) => Encoding;
  readonly encodeError: (encoding: Encoding, error: OmoiError) => Uint8Array;
  /** Limit of a request as it comes in. */
  readonly maxBodyBytes: number;
  /** Limit of a request after decompression. */
  readonly maxDecodedBytes: number;
  readonly bodies: BodyBudget;
}

const SIGNALS = ['metrics', 'traces', 'logs'] as const;

const CONTENT_TYPES: Readonly<Record<Encoding, string>> = {
  protobuf: 'application/x-protobuf',
  json: 'application/json',
};

const decompress = { gzip: promisify(gunzip), deflate: promisify(inflate) };

/** OTLP/HTTP: the body's encoding is the answer's, errors included. */
export function registerOtlpRoutes(app: ApiApp, parts: OtlpRouteParts): void {
  void app.register((scope, _options, done) => {
    const holdBody = countBodies(scope, parts.bodies);
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, parsed) => parsed(null, body));
    for (const signal of SIGNALS) {
      scope.route({
        method: 'POST',
        url: `/v1/${signal}`,
        bodyLimit: parts.maxBodyBytes,
        config: { access: SENDERS_AND_AGENTS, openOnLoopback: true },
        schema: {
          tags: ['ingest'],
          summary: `OTLP/HTTP ${signal}, as application/x-protobuf or application/json, gzip allowed`,
        },
        async handler(request, reply) {
          const encoding = parts.encodingOf(request.headers['content-type'] ?? '');
          reply.type(CONTENT_TYPES[encoding]);
          try {
            const sender = { scope: request.principal.scope };
            const answer = await holdBody(request, async () => {
              const body = await decodedBody(request, parts.maxDecodedBytes);
              return parts.receiver.receive({ signal, encoding, body, sender });
            });
            return Buffer.from(answer);
          } catch (thrown) {
            return answerError(thrown, { encoding, reply, parts });
          }
        },
      });
    }
    done();
  });
}

interface ErrorPlace {
  readonly encoding: Encoding;
  readonly reply: FastifyReply;
  readonly parts: OtlpRouteParts;
}

function answerError(thrown: unknown, { encoding, reply, parts }: ErrorPlace): Buffer {
  if (!(thrown instanceof OmoiError)) throw thrown;
  reply.code(thrown.status);
  if (thrown.retryable) reply.header('retry-after', '1');
  return Buffer.from(parts.encodeError(encoding, thrown));
}

async function decodedBody(request: FastifyRequest, maxOutputLength: number): Promise<Uint8Array> {
  const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
  const encoding = request.headers['content-encoding']?.trim().toLowerCase() ?? 'identity';
  if (encoding === 'identity') return body;
  if (encoding !== 'gzip' && encoding !== 'deflate') {
    throw new OmoiError(
      'unsupported_media_type',
      `content-encoding "${encoding}" is not read; send gzip, deflate or none`,
    );
  }
  try {
    return await decompress[encoding](body, { maxOutputLength });
  } catch (thrown) {
    const tooLarge = (thrown as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
    const code: ErrorCode = tooLarge ? 'body_too_large' : 'payload_undecodable';
    throw new OmoiError(
      code,
      tooLarge ? `the decompressed body exceeds ${maxOutputLength} bytes` : `the ${encoding} body is broken`,
    );
  }
}
