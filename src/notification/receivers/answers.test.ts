import { OmoiError, VirtualClock } from '#telemetry';
import { expect, it } from 'vitest';

import { TemplateFailure } from '../templates/message-templates.ts';
import { attempt, failureOf, judgeAnswer, maxRetryAfterMs, maxShownAnswer, retryAfterMs } from './answers.ts';
import { type HttpAnswer, NoAnswer } from './http/http-client.ts';

const NOW_MS = Date.UTC(2026, 10, 30, 10, 0, 0);
const clock = new VirtualClock(NOW_MS);

function answerOf(status: number, overrides: Partial<HttpAnswer> = {}): HttpAnswer {
  return { status, headers: {}, body: '', withoutSecrets: (text) => text, ...overrides };
}

it.each([
  ['7', 7000],
  ['0', 0],
  ['0.25', 250],
  ['Mon, 30 Nov 2026 10:00:30 GMT', 30_000],
  ['Mon, 30 Nov 2026 09:00:00 GMT', 0],
  ['999999999', maxRetryAfterMs],
  ['soon', null],
  ['-5', null],
  ['2026', 2_026_000],
  [undefined, null],
])('Retry-After %j is %s ms', (header, expected) => {
  expect(retryAfterMs(header, clock)).toBe(expected);
});

it.each([
  [200, { outcome: 'delivered', answer: 'HTTP 200' }],
  [204, { outcome: 'delivered', answer: 'HTTP 204' }],
  [302, { failure: 'clientError', retryable: false, reason: 'HTTP 302, which is not followed' }],
  [400, { failure: 'clientError', retryable: false, reason: 'HTTP 400' }],
  [401, { failure: 'authError', retryable: false }],
  [403, { failure: 'authError', retryable: false }],
  [408, { failure: 'timeout', retryable: true }],
  [413, { failure: 'clientError', retryable: false, isTooLong: true }],
  [425, { failure: 'clientError', retryable: false }],
  [429, { failure: 'rateLimited', retryable: true }],
  [500, { failure: 'serverError', retryable: true }],
  [599, { failure: 'serverError', retryable: true }],
])('an answer of %i', (status, expected) => {
  expect(judgeAnswer(answerOf(status), clock)).toMatchObject(expected);
});

it('tells what the receiver said, in one line, cut, and without secrets', () => {
  const body = `no\r\n such\u0000 key: k3y ${'x'.repeat(1000)}`;
  const judged = judgeAnswer(answerOf(400, { body }), clock, { secrets: ['k3y'] });
  if (judged.outcome !== 'failed') throw new Error('it was delivered');
  expect(judged.reason).toMatch(/^HTTP 400: no such key: <secret> x+…$/);
  expect(judged.reason.length).toBe('HTTP 400: '.length + maxShownAnswer);
});

it('follows the rules of a receiver', () => {
  const rules = {
    retryStatuses: [403],
    details: () => 'slow down',
    retryAfterMs: () => 1500,
  };
  expect(judgeAnswer(answerOf(403, { headers: { 'retry-after': '9' } }), clock, rules)).toEqual({
    outcome: 'failed',
    failure: 'rateLimited',
    reason: 'HTTP 403: slow down',
    retryable: true,
    retryAfterMs: 1500,
  });
  // A time to come again means nothing where nobody does.
  const final = judgeAnswer(answerOf(404, { headers: { 'retry-after': '9' } }), clock, rules);
  expect(final).toMatchObject({ retryable: false, retryAfterMs: null });
});

it.each([
  [new NoAnswer('timeout', 'a'), 'timeout', true],
  [new NoAnswer('connection', 'a'), 'connection', true],
  [new NoAnswer('blocked', 'a'), 'clientError', false],
  [new NoAnswer('settings', 'a'), 'clientError', false],
  [new TemplateFailure('a'), 'template', false],
  [new OmoiError('internal_error', 'a'), 'connection', true],
])('%s on the way is a failure', async (thrown, failure, retryable) => {
  const delivery = await attempt(async () => {
    throw thrown;
  });
  expect(delivery).toEqual({ outcome: 'failed', failure, reason: 'a', retryable, retryAfterMs: null });
});

it('a mistake of a programmer is none', () => {
  expect(() => failureOf(new TypeError('x'))).toThrow(TypeError);
});
