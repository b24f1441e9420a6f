import type { NodemailerError } from 'nodemailer/lib/errors.js';
import { cappedWaitMs, failed, failureOf, maxShownAnswer } from '../answers.ts';
import { certificateFailure } from '../http/failure-texts.ts';
import { NoAnswer } from '../http/http-client.ts';
import type { Delivery, DeliveryFailure } from '../integration.ts';
import { SmtpFailure, type SmtpStep } from './smtp-session.ts';

type Failed = Extract<Delivery, { outcome: 'failed' }>;

/**
 * What a failed hand-over means: 4xx may pass, 5xx and a refused login are final; what came from no answer (network, TLS, time)
 * may pass.
 * @param server `smtp.example.org:587`
 */
export function failureOfSmtp(thrown: unknown, server: string): Failed {
  const failure = thrown instanceof SmtpFailure ? thrown : new SmtpFailure('connect', thrown);
  if (failure.cause instanceof NoAnswer) return failureOf(failure.cause);
  const error = asSmtpError(failure.cause);
  const ofCertificate = certificateFailure(codeBelow(error));
  if (ofCertificate !== null) {
    return failed('connection', `${server} got no mail: ${ofCertificate}`, { retryable: true });
  }
  const isRefusedLogin = error.code === 'EAUTH' && error.permanent !== false;
  if (isRefusedLogin || LOGIN_CODES.has(error.responseCode ?? 0)) {
    return failed('authError', `${server} did not let us log in: ${wordsOf(error)}`, { retryable: false });
  }
  if (error.code === 'ETLS') {
    const asked = error.command === 'STARTTLS' ? ' by STARTTLS, which require_tls asks for' : '';
    const reason = `${server}: no encryption${asked}: ${wordsOf(error)}`;
    return failed('connection', reason, { retryable: true });
  }
  if (error.response !== undefined && error.responseCode !== undefined) return failureOfAnswer(error, server);
  switch (error.code ?? '') {
    case 'ETIMEDOUT':
    case 'EABORT':
      return failed('timeout', `${server} took too long: ${whileIn(failure.step)}`, { retryable: true });
    case 'EENVELOPE':
    case 'EMESSAGE':
    case 'ECONFIG':
      return failed('clientError', `the mail cannot be sent by ${server}: ${wordsOf(error)}`, {
        retryable: false,
        // The server has said how much it takes.
        isTooLong: error.code === 'EMESSAGE',
      });
    default:
      return failed('connection', `${server}: ${whileIn(failure.step)}: ${wordsOf(error)}`, {
        retryable: true,
      });
  }
}

/** What a server's `4xx` or `5xx` about a mail, or about all of its recipients, means. */
function failureOfAnswer(error: NodemailerError, server: string): Failed {
  const answer = wordsOf(error);
  const reason = `${server} refused ${refusedThing(error.command)}: ${answer}`;
  if (error.permanent !== false) {
    return failed('clientError', reason, { retryable: false, isTooLong: TOO_LONG.test(answer) });
  }
  return failed(failureOfTemporary(answer), reason, {
    retryable: true,
    retryAfterMs: retryAfterMsOf(answer),
  });
}

/** RFC 5321 and 3463: `552 5.3.4 Message size exceeds fixed limit`. */
const TOO_LONG = /^552[ -](?!5\.2\.2)|^5\d\d[ -]5\.3\.4/;

/** Greylisting and limits by the hour are answered by 4.7.x (policy), or by words. */
export function failureOfTemporary(answer: string): DeliveryFailure {
  return /^4\d\d[ -]4\.7\.|gr[ae]y-?list|rate.?limit|throttl|too many/i.test(answer)
    ? 'rateLimited'
    : 'serverError';
}

/** When a server asks to come again, of answers like `451 4.7.1 Greylisted, try again in 300 seconds`; null where it does not say. */
export function retryAfterMsOf(answer: string): number | null {
  const [, count, unit = ''] = /\b(\d{1,5})\s*(sec|min)/i.exec(answer) ?? [];
  if (count === undefined) return null;
  return cappedWaitMs(Number(count) * (unit.toLowerCase() === 'min' ? 60_000 : 1_000));
}

/** 530 login required, 534 too weak, 535 wrong, 538 needs encryption. */
const LOGIN_CODES: ReadonlySet<number> = new Set([530, 534, 535, 538]);

function refusedThing(command: string | undefined): string {
  switch (command ?? '') {
    case 'MAIL FROM':
      return 'the sender';
    case 'RCPT TO':
      return 'all recipients';
    case 'DATA':
      return 'the mail';
    default:
      return 'us';
  }
}

function whileIn(step: SmtpStep): string {
  switch (step) {
    case 'connect':
      return 'no connection';
    case 'login':
      return 'broken off while logging in';
    case 'message':
      return 'broken off while the mail was handed over; it may arrive all the same';
  }
}

/** Node's code: the client puts its own in that's place. */
function codeBelow({ code, originalCode }: NodemailerError & { originalCode?: unknown }): string {
  return typeof originalCode === 'string' ? originalCode : (code ?? '');
}

function wordsOf({ response, message, originalCode }: NodemailerError & { originalCode?: unknown }): string {
  const code =
    typeof originalCode === 'string' && !message.includes(originalCode) ? ` (${originalCode})` : '';
  return bounded(response ?? `${message}${code}`);
}

/** One line of a server's words, bounded. */
export function bounded(text: string): string {
  const line = text.replaceAll(/\p{Cc}+/gu, ' ').trim();
  return line.length <= maxShownAnswer ? line : `${line.slice(0, maxShownAnswer - 1)}…`;
}

function asSmtpError(thrown: unknown): NodemailerError {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
