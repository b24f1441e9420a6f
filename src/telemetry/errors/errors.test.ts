import { describe, expect, it } from 'vitest';
import { ERROR_CATALOGUE, OmoiError } from './errors.ts';

/** docs/errors.md: `npm run unit -- -u` writes it anew from the catalogue. */
function page(): string {
  const rows = Object.entries(ERROR_CATALOGUE).map(
    ([code, { status, retryable, remedy }]) =>
      `| \`${code}\` | ${status} | ${retryable ? 'yes' : 'no'} | ${remedy} |`,
  );
  return [
    '# Errors',
    '',
    'Every refusal is `{"error": "code", "message": "…"}`. The code is stable; the message names the thing and the',
    'place. "Again" tells whether the same call may succeed later without being changed. Below `/prometheus/` the same',
    'comes in the form that clients of Prometheus read: `{"status": "error", "errorType": "…", "error": "…", "code": "…"}`,',
    'with the message as `error`; only a query whose client has gone is 499 there.',
    '',
    '| code | status | again | what to do |',
    '|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}

describe('the error catalogue', () => {
  it('is what docs/errors.md says', async () => {
    await expect(page()).toMatchFileSnapshot('../../../docs/errors.md');
  });

  it('gives an error its status and whether it can be retried', () => {
    const error = new OmoiError('lock_held', 'lock "a" is held by agent b');
    expect([error.status, error.retryable, error.code]).toEqual([409, true, 'lock_held']);
  });
});
