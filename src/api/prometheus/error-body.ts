import { OmoiError } from '#telemetry';
import { z } from 'zod';
import type { ErrorAnswer } from '../http/error-answer.ts';

const ERROR_TYPES = [
  'bad_data',
  'canceled',
  'execution',
  'internal',
  'not_found',
  'timeout',
  'unavailable',
] as const;

/** The body of every error below `/prometheus/`. */
export const prometheusError = z
  .object({
    status: z.literal('error'),
    errorType: z.enum(ERROR_TYPES),
    error: z.string().describe('What is wrong, for people.'),
    code: z.string().describe('The stable code.'),
    docs: z.string().describe('Where this server tells what the code says and what to do about it.'),
  })
  .meta({
    id: 'PrometheusError',
    description: 'What requests below /prometheus/ that fail are answered with.',
  });

type ErrorType = (typeof ERROR_TYPES)[number];

/** What nginx, and Prometheus after it, calls a client that went away. */
const CLIENT_CLOSED_REQUEST = 499;

export function isPrometheusPath(path: string): boolean {
  return path.startsWith('/prometheus/');
}

/** The same failure as Prometheus tells it, beside our own code, which its clients ignore. */
export function inPrometheusForm(
  failure: ErrorAnswer,
  thrown: unknown,
): { readonly status: number; readonly body: z.output<typeof prometheusError> } {
  const { error: code, message, docs } = failure.body;
  const gone = isCancelled(thrown);
  return {
    status: gone ? CLIENT_CLOSED_REQUEST : failure.status,
    body: {
      status: 'error',
      errorType: gone ? 'canceled' : typeOfStatus(failure.status, code),
      error: message,
      code,
      docs,
    },
  };
}

function isCancelled(thrown: unknown): boolean {
  return (
    thrown instanceof OmoiError && thrown.code === 'query_timeout' && thrown.details['limit'] === 'signal'
  );
}

function typeOfStatus(status: number, code: string): ErrorType {
  if (code === 'query_timeout') return 'timeout';
  if (status === 404) return 'not_found';
  if (status === 422) return 'execution';
  if (status < 500) return 'bad_data';
  return status === 503 || status === 507 ? 'unavailable' : 'internal';
}
