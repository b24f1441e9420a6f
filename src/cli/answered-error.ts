import { ERROR_CATALOGUE, OmoiError, pageOfError, type ErrorCode } from '#telemetry';
import { z } from 'zod';

const ownForm = z
  .object({ error: z.string(), message: z.string() })
  .transform(({ error, message }) => ({ code: error, message }));
const prometheusForm = z
  .object({ status: z.literal('error'), error: z.string(), code: z.string() })
  .transform(({ code, error }) => ({ code, message: error }));
const failure = z.union([prometheusForm, ownForm]);

/** Of an answer in neither form so much is shown. */
const MAX_SHOWN_CHARACTERS = 300;

/** A refusal by a code that this version does not know: the server is of another one, or something stands before it. */
export class UnknownRefusal extends Error {
  override readonly name = 'UnknownRefusal';
}

/**
 * What a server's error answer says, in either of the forms it speaks.
 * @param url where people reach the server, which shows what its errors mean; null: nobody knows
 */
export function answeredError(answer: unknown, url: string | null): Error {
  const read = failure.safeParse(answer);
  if (!read.success) return new UnknownRefusal(`the server refused: ${shown(JSON.stringify(answer))}`);
  const { code, message } = read.data;
  if (!isErrorCode(code)) return new UnknownRefusal(`${message} (${code})`);
  return new OmoiError(code, message, url === null ? {} : { docs: new URL(pageOfError(code), url).href });
}

function shown(text: string): string {
  return text.length <= MAX_SHOWN_CHARACTERS ? text : `${text.slice(0, MAX_SHOWN_CHARACTERS)}…`;
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERROR_CATALOGUE, code);
}
