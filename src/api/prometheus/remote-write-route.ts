import type { RemoteWriteReceiver } from '#ingest';
import { OmoiError } from '#telemetry';
import type { ApiApp } from '../http/app.ts';
import { takeBodies, type BodyBudget } from '../http/body-budget.ts';
import { senderOf } from '../access/sender.ts';
import { SENDERS } from '../access/roles.ts';

export interface RemoteWriteRouteParts {
  readonly receiver: RemoteWriteReceiver;
  /** Limit of a request before decompression; the receiver limits what it decodes to. */
  readonly maxBodyBytes: number;
  readonly bodies: BodyBudget;
}

/**
 * Prometheus remote write 1.0. Answered 204 when what was sent survives a crash. Metrics that Omoi writes itself are
 * taken from nobody: `400 sample_refused` for those samples, while the rest is stored.
 */
export function registerRemoteWriteRoutes(app: ApiApp, parts: RemoteWriteRouteParts): void {
  void app.register((scope, _options, done) => {
    const holdBody = takeBodies(scope, parts.bodies);
    scope.route({
      method: 'POST',
      url: '/prometheus/api/v1/write',
      bodyLimit: parts.maxBodyBytes,
      config: { access: SENDERS, openOnLoopback: true, reportsOnly: true, takes: ['application/x-protobuf'] },
      schema: {
        tags: ['ingest'],
        summary: 'Prometheus remote write 1.0: a Snappy-compressed prometheus.WriteRequest',
      },
      async handler(request, reply) {
        checkHeaders(request.headers['content-type'], request.headers['content-encoding']);
        const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
        const { traceparent } = request;
        const sender = senderOf(request.principal);
        await holdBody(request, () => parts.receiver.handle({ body, traceparent, sender }));
        return reply.code(204).send();
      },
    });
    done();
  });
}

/** As the specification has it, a missing or empty header means what is right; version 2 is another content type. */
function checkHeaders(type: string | undefined, encoding: string | undefined): void {
  const contentType = type || 'application/x-protobuf';
  const contentEncoding = encoding || 'snappy';
  const [mediaType, ...parameters] = contentType.split(';').map((part) => part.trim());
  const isVersion2 = parameters.some(
    (part) => part.startsWith('proto=') && part !== 'proto=prometheus.WriteRequest',
  );
  if (mediaType !== 'application/x-protobuf' || isVersion2) {
    throw new OmoiError(
      'unsupported_media_type',
      `"${contentType}" is not taken here; send application/x-protobuf with a prometheus.WriteRequest (version 1).`,
    );
  }
  if (contentEncoding !== 'snappy') {
    throw new OmoiError(
      'unsupported_media_type',
      `content-encoding "${contentEncoding}" is not taken here; send snappy.`,
    );
  }
}
