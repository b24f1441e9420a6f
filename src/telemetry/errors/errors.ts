import { FLEET_ERRORS } from './fleet-errors.ts';
import { NOTIFICATION_ERRORS } from './notification-errors.ts';
import { SERVER_ERRORS } from './server-errors.ts';
import { SIGNAL_ERRORS } from './signal-errors.ts';

/** Every coded error of Omoi. A test holds it against docs/errors.md, and the server shows it at `/docs/errors`. */
export const ERROR_CATALOGUE = {
  ...SERVER_ERRORS,
  ...FLEET_ERRORS,
  ...SIGNAL_ERRORS,
  ...NOTIFICATION_ERRORS,
} as const;

export type ErrorCode = keyof typeof ERROR_CATALOGUE;

/** An error of the catalogue. The message names the thing and the place, and says what to do. */
export class OmoiError extends Error {
  override readonly name = 'OmoiError';
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    code: ErrorCode,
    message: string,
    details: Readonly<Record<string, unknown>> = {},
    cause?: unknown,
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.details = details;
  }

  get status(): number {
    return ERROR_CATALOGUE[this.code].status;
  }

  get retryable(): boolean {
    return ERROR_CATALOGUE[this.code].retryable;
  }
}

/** Where a server tells about a code: the path of its page, with the place in it. */
export function pageOfError(code: string): string {
  return `/docs/errors#${code}`;
}

/** The text of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
