import type { Clock } from '#telemetry';
import { z } from 'zod';

import { failed, judgeAnswer, retryAfterMs, shownAnswer } from '../answers.ts';
import type { HttpAnswer } from '../http/http-client.ts';
import type { Delivery, DeliveryFailure } from '../integration.ts';

/** What Slack's API answers, always with status 200 but for rate limits. */
const answerSchema = z.object({
  ok: z.boolean(),
  error: z.string().optional(),
  channel: z.string().optional(),
  ts: z.string().optional(),
});

/** Errors of the API that may pass, and those of tokens; all others are final. https://docs.slack.dev/reference/methods/chat.postMessage */
const FAILURES: Readonly<Record<string, DeliveryFailure>> = {
  ratelimited: 'rateLimited',
  rate_limited: 'rateLimited',
  message_limit_exceeded: 'rateLimited',
  internal_error: 'serverError',
  fatal_error: 'serverError',
  service_unavailable: 'serverError',
  request_timeout: 'timeout',
  team_added_to_org: 'serverError',
  accesslimited: 'authError',
  account_inactive: 'authError',
  invalid_auth: 'authError',
  missing_scope: 'authError',
  no_permission: 'authError',
  not_allowed_token_type: 'authError',
  not_authed: 'authError',
  token_expired: 'authError',
  token_revoked: 'authError',
};

/** Of fewer alerts it may be taken. */
const TOO_LONG: readonly string[] = ['msg_too_long', 'attachment_payload_limit_exceeded'];

const MAY_PASS: readonly DeliveryFailure[] = ['rateLimited', 'serverError', 'timeout'];

/** What became of a call. */
export interface SlackVerdict {
  readonly delivery: Delivery;
  /** Slack's word for what is wrong; '' where it has none. */
  readonly error: string;
  /** Where the message is: what edits it, and what its thread hangs on. Null for a webhook. */
  readonly posted: { readonly channel: string; readonly ts: string } | null;
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
}

/** An incoming webhook says `ok`, or in one word what is wrong. */
function judgeText(answer: HttpAnswer): SlackVerdict {
  const status = `HTTP ${answer.status}`;
  if (answer.body.trim() === 'ok') {
    return { delivery: { outcome: 'delivered', answer: status }, error: '', posted: null };
  }
  const reason = `received an error response from Slack: ${shownAnswer(answer, answer.body)}`;
  return { delivery: failed('clientError', reason, { retryable: false }), error: '', posted: null };
}

/** Slack says no in answers of 200. */
export function judgeSlack(answer: HttpAnswer, clock: Pick<Clock, 'wallMs'>): SlackVerdict {
  const judged = judgeAnswer(answer, clock);
  if (judged.outcome === 'failed') {
    const isTooLong = TOO_LONG.includes(answer.body.trim());
    return { delivery: isTooLong ? { ...judged, isTooLong } : judged, error: '', posted: null };
  }
  if (!(answer.headers['content-type'] ?? '').startsWith('application/json')) return judgeText(answer);
  const result = answerSchema.safeParse(parsed(answer.body));
  if (!result.success) {
    const reason = `Slack's answer cannot be read: ${shownAnswer(answer, answer.body)}`;
    return { delivery: failed('serverError', reason, { retryable: true }), error: '', posted: null };
  }
  const { ok, error = 'unknown', channel, ts } = result.data;
  if (ok) {
    const posted = channel && ts ? { channel, ts } : null;
    return { delivery: judged, error: '', posted };
  }
  const failure = FAILURES[error] ?? 'clientError';
  const retryable = MAY_PASS.includes(failure);
  const waitMs = retryable ? retryAfterMs(answer.headers['retry-after'], clock) : null;
  const reason = `error response from Slack: ${shownAnswer(answer, error)}`;
  const isTooLong = TOO_LONG.includes(error);
  const delivery = failed(failure, reason, { retryable, retryAfterMs: waitMs, isTooLong });
  return { delivery, error, posted: null };
}
