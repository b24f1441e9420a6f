import { type Clock, OmoiError } from '#telemetry';

import { TemplateFailure } from '../templates/message-templates.ts';
import { type HttpAnswer, NoAnswer } from './http/http-client.ts';
import type { Delivery, DeliveryFailure } from './integration.ts';

/** The longest pause that a receiver's `Retry-After` is followed for: it may have been a mistake. */
export const maxRetryAfterMs = 3_600_000;
/** How much of what a receiver answers a text repeats, in characters. */
export const maxShownAnswer = 300;

type Failed = Extract<Delivery, { readonly outcome: 'failed' }>;

export interface AnswerRules {
  /** Statuses that this receiver means to be tried again, besides those of all. */
  readonly retryStatuses?: readonly number[];
  /** What a text repeats of the answer, where the receiver says it in a field; the beginning of the body where this is absent or ''. */
  readonly details?: (answer: HttpAnswer) => string;
  /** The receiver's own word on when to come again, where it stands elsewhere than in `Retry-After`. */
  readonly retryAfterMs?: (answer: HttpAnswer) => number | null;
  /** What was secret in the body of the request (a token, a key): the client knows those of address and headers. */
  readonly secrets?: readonly string[];
}

/** One line of a text, cut. */
function oneLine(text: string): string {
  const line = text.replace(/[\p{Cc}\s]+/gu, ' ').trim();
  const characters = Array.from(line.slice(0, 2 * maxShownAnswer));
  return characters.length <= maxShownAnswer ? line : `${characters.slice(0, maxShownAnswer - 1).join('')}…`;
}

/** What a text may repeat of an answer: bounded, in one line, without secrets. */
export function shownAnswer(answer: HttpAnswer, text: string, secrets: readonly string[] = []): string {
  const ours = secrets.filter((secret) => secret.length > 2);
  const cleaned = ours.reduce((shown, secret) => shown.replaceAll(secret, '<secret>'), text);
  return oneLine(answer.withoutSecrets(cleaned));
}

const HTTP_DATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

/** `Retry-After` in ms from now, seconds or a date, at most `maxRetryAfterMs`; null where it is not there or neither. */
export function retryAfterMs(header: string | undefined, clock: Pick<Clock, 'wallMs'>): number | null {
  if (header === undefined) return null;
  const text = header.trim();
  const waitMs = /^\d+(?:\.\d+)?$/.test(text)
    ? Number(text) * 1000
    : HTTP_DATE.test(text)
      ? Date.parse(text) - clock.wallMs()
      : Number.NaN;
  return Number.isNaN(waitMs) ? null : cappedWaitMs(waitMs);
}

/** A pause that a receiver asked for, within bounds. */
export function cappedWaitMs(waitMs: number): number {
  return Math.ceil(Math.min(Math.max(waitMs, 0), maxRetryAfterMs));
}

/** An answer of 2xx that says yes or no in its body. @throws NoAnswer where the body ended early: nobody knows which it was */
export function wholeAnswer(answer: HttpAnswer): HttpAnswer {
  if (answer.cut && answer.status >= 200 && answer.status < 300) throw answer.cut;
  return answer;
}

function failureOfStatus(status: number): DeliveryFailure {
  if (status === 401 || status === 403) return 'authError';
  if (status === 429) return 'rateLimited';
  if (status === 408) return 'timeout';
  return status >= 500 ? 'serverError' : 'clientError';
}

/**
 * What an answer means: 2xx delivered; 408, 429 and 5xx may pass, in the time that the receiver names; everything else is final,
 * 401 and 403 for want of rights. (Alertmanager gives up on 408 and 429.) A body that ended early changes nothing about that.
 */
export function judgeAnswer(
  answer: HttpAnswer,
  clock: Pick<Clock, 'wallMs'>,
  rules: AnswerRules = {},
): Delivery {
  const { status, headers, body } = answer;
  if (status >= 200 && status < 300) return { outcome: 'delivered', answer: `HTTP ${status}` };
  const details = rules.details?.(answer) || (status >= 300 && status < 400 ? '' : body);
  const shown = shownAnswer(answer, details, rules.secrets);
  const redirect = status < 400 ? ', which is not followed' : '';
  const failure = failureOfStatus(status);
  const mayPass = ['rateLimited', 'timeout', 'serverError'].includes(failure);
  const isRetried = mayPass || (rules.retryStatuses?.includes(status) ?? false);
  const named = isRetried ? (rules.retryAfterMs?.(answer) ?? null) : null;
  return {
    outcome: 'failed',
    failure: isRetried && !mayPass ? 'rateLimited' : failure,
    reason: `HTTP ${status}${redirect}${shown === '' ? '' : `: ${shown}`}`,
    retryable: isRetried,
    retryAfterMs: isRetried ? (named ?? retryAfterMs(headers['retry-after'], clock)) : null,
    ...(status === 413 ? { isTooLong: true } : {}),
  };
}

/** A failure that the receiver tells of in an answer of 200. */
export function failed(
  failure: DeliveryFailure,
  reason: string,
  options: {
    readonly retryable: boolean;
    readonly retryAfterMs?: number | null;
    readonly isTooLong?: boolean;
  },
): Failed {
  const { retryable, retryAfterMs: waitMs = null, isTooLong = false } = options;
  const told: Failed = { outcome: 'failed', failure, reason, retryable, retryAfterMs: waitMs };
  return isTooLong ? { ...told, isTooLong } : told;
}

const OF_NO_ANSWER: Readonly<Record<NoAnswer['kind'], readonly [DeliveryFailure, retryable: boolean]>> = {
  timeout: ['timeout', true],
  connection: ['connection', true],
  blocked: ['clientError', false],
  settings: ['clientError', false],
};

/**
 * What was thrown on the way to a receiver. Templates that fail are final; the file of a secret may be there at the next try.
 *
 * @throws what no integration expects: a mistake of a programmer
 */
export function failureOf(thrown: unknown): Failed {
  if (thrown instanceof NoAnswer) {
    const [failure, retryable] = OF_NO_ANSWER[thrown.kind];
    return failed(failure, thrown.message, { retryable });
  }
  if (thrown instanceof TemplateFailure) {
    const { isTooLong } = thrown;
    return failed('template', thrown.message, { retryable: false, isTooLong });
  }
  if (thrown instanceof OmoiError) return failed('connection', thrown.message, { retryable: true });
  throw thrown;
}

/** A try: what it throws becomes what it came to. */
export async function attempt(send: () => Promise<Delivery>): Promise<Delivery> {
  try {
    return await send();
  } catch (error) {
    return failureOf(error);
  }
}
