import { OmoiError } from '#telemetry';
import type { FastifyRequest } from 'fastify';

/** Why a compressed body is refused where none is read: `unsupported_media_type`; null where it comes as it is. */
export function encodingProblem({ headers }: FastifyRequest): OmoiError | null {
  const encoding = headers['content-encoding']?.trim().toLowerCase() || 'identity';
  if (encoding === 'identity') return null;
  return new OmoiError(
    'unsupported_media_type',
    `content-encoding "${encoding}" is not taken here; send the body as it is`,
  );
}
