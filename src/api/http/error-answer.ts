import { ERROR_CATALOGUE, OmoiError, messageOf, pageOfError, type ErrorCode } from '#telemetry';
import { z } from 'zod';

/** The body of every error. */
export const errorBody = z
  .object({
    error: z.string().describe('A stable code.'),
    message: z.string().describe('Names the thing and the place.'),
    docs: z.string().describe('Where this server tells what the code says and what to do about it.'),
  })
  .meta({ id: 'Error', description: 'What every request that fails is answered with.' });

type ErrorBody = z.output<typeof errorBody>;

/** What says that a request failed, and where to read on. */
export function errorBodyOf(code: ErrorCode, message: string): ErrorBody {
  return { error: code, message, docs: pageOfError(code) };
}

export interface ErrorAnswer {
  readonly status: number;
  readonly body: ErrorBody;
  /** Seconds, where the same call may succeed later. */
  readonly retryAfterSeconds: number | null;
  /** Whether the server itself is at fault, and the error belongs in its log. */
  readonly unexpected: boolean;
}

/** What a request asked for, as far as messages name it. */
export interface FailedRequest {
  readonly method: string;
  readonly path: string;
  readonly bodyLimitBytes: number;
  readonly contentType: string | undefined;
  /** Content types that the route takes. */
  readonly takes: readonly string[];
}

const retryAfterSeconds = 1;

/** The answer to anything that was thrown. Never tells what only the log may know. */
export function answerError(thrown: unknown, request: FailedRequest): ErrorAnswer {
  if (thrown instanceof OmoiError) return answer(thrown.code, thrown.message);
  switch (codeOf(thrown)) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return answer('body_too_large', `the body exceeds ${request.bodyLimitBytes} bytes`);
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return answer(
        'unsupported_media_type',
        `${request.method} ${request.path} does not take ${request.contentType || 'a body without content type'}; ` +
          `send ${request.takes.join(' or ')}`,
      );
    case 'FST_ERR_CTP_INVALID_JSON_BODY':
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
      return answer('malformed_json', 'the body is no well-formed JSON');
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return answer('invalid_request', 'the body is not as long as its Content-Length says');
    case 'ECONNRESET':
    case 'ERR_STREAM_PREMATURE_CLOSE':
      return answer('invalid_request', 'the connection ended before the body did');
    case 'FST_ERR_BAD_URL':
    case 'FST_ERR_MAX_LIMIT_REACHED':
      return answer('invalid_request', `the path ${request.path} is malformed or too long`);
    default:
      // Fastify has more ways to refuse a request; what it blames the client for is no failure of the server.
      if (isClientFault(thrown)) return answer('invalid_request', messageOf(thrown));
      return { ...answer('internal_error', 'the server failed; its log has the cause'), unexpected: true };
  }
}

function answer(code: ErrorCode, message: string): ErrorAnswer {
  const { status, retryable } = ERROR_CATALOGUE[code];
  return {
    status,
    body: errorBodyOf(code, message),
    retryAfterSeconds: retryable && (status === 503 || status === 429) ? retryAfterSeconds : null,
    unexpected: code === 'internal_error',
  };
}

function codeOf(thrown: unknown): string {
  if (typeof thrown !== 'object' || thrown === null || !('code' in thrown)) return '';
  return typeof thrown.code === 'string' ? thrown.code : '';
}

function isClientFault(thrown: unknown): boolean {
  if (!codeOf(thrown).startsWith('FST_') || !(thrown instanceof Error)) return false;
  const status = 'statusCode' in thrown ? thrown.statusCode : undefined;
  return typeof status === 'number' && status >= 400 && status < 500;
}
