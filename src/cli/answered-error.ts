import { ERROR_CATALOGUE, OmoiError, type ErrorCode } from '#telemetry';
import { z } from 'zod';

const ownForm = z
  .object({ error: z.string(), message: z.string() })
  .transform(({ error, message }) => ({ code: error, message }));
const prometheusForm = z
  .object({ status: z.literal('error'), error: z.string(), code: z.string() })
  .transform(({ code, error }) => ({ code, message: error }));
const failure = z.union([prometheusForm, ownForm]);

/** What a server's error answer says, in either of the forms it speaks. */
export function answeredError(answer: unknown): Error {
  const read = failure.safeParse(answer);
  if (!read.success) return new Error(`the server refused: ${JSON.stringify(answer)}`);
  const { code, message } = read.data;
  return isErrorCode(code) ? new OmoiError(code, message) : new Error(`${message} (${code})`);
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERROR_CATALOGUE, code);
}
