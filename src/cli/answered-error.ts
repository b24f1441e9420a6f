import { ERROR_CATALOGUE, OmoiError, pageOfError, type ErrorCode } from '#telemetry';
import { z } from 'zod';

const ownForm = z
  .object({ error: z.string(), message: z.string() })
  .transform(({ error, message }) => ({ code: error, message }));
const prometheusForm = z
  .object({ status: z.literal('error'), error: z.string(), code: z.string() })
  .transform(({ code, error }) => ({ code, message: error }));
const failure = z.union([prometheusForm, ownForm]);

/**
 * What a server's error answer says, in either of the forms it speaks.
 * @param url where people reach the server, which shows what its errors mean; null: nobody knows
 */
export function answeredError(answer: unknown, url: string | null): Error {
  const read = failure.safeParse(answer);
  if (!read.success) return new Error(`the server refused: ${JSON.stringify(answer)}`);
  const { code, message } = read.data;
  if (!isErrorCode(code)) return new Error(`${message} (${code})`);
  return new OmoiError(code, message, url === null ? {} : { docs: new URL(pageOfError(code), url).href });
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERROR_CATALOGUE, code);
}
