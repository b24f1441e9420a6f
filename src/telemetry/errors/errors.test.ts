import { describe, expect, it } from 'vitest';
import { ERROR_CATALOGUE, OmoiError } from './errors.ts';

/** docs/errors.md: `npm run unit -- -u` writes it anew from the catalogue. */
function page(): string {
  const sections = Object.entries(ERROR_CATALOGUE).map(([code, { status, retryable, meaning, remedy }]) =>
    [
      `## ${code}`,
      `Status ${status}${retryable ? '; the same call may succeed later' : ''}. ${meaning}\n`,
      `What to do: ${remedy}\n`,
    ].join('\n'),
  );
  return [
    '# Errors',
    '',
    'Every refusal is `{"error": "code", "message": "…", "docs": "/docs/errors#code"}`. The code is stable; the message names the',
    'thing and the place; `docs` is where the server itself shows what stands on this page, for everybody and without a network. The',
    'command line prints that address below what went wrong, or, where no server answered, the place in this file. Below `/prometheus/`',
    'the same comes in the form that clients of Prometheus read:',
    '`{"status": "error", "errorType": "…", "error": "…", "code": "…", "docs": "…"}`, with the message as `error`; only a query whose',
    'client has gone is 499 there. Below `/alertmanager/` it is what clients of Alertmanager read: the message as a JSON text where the',
    'status is 400 or 500, else `{"code": STATUS, "message": "…", "error": "code", "docs": "…"}`.',
    '',
    ...sections,
  ].join('\n');
}

describe('the error catalogue', () => {
  it('is what docs/errors.md says', async () => {
    await expect(page()).toMatchFileSnapshot('../../../docs/errors.md');
  });

  it.each(Object.entries(ERROR_CATALOGUE))('says of %s what it means and what to do', (_code, entry) => {
    for (const text of [entry.meaning, entry.remedy]) expect(text).toMatch(/^[A-Z].*\.$/);
  });

  it('gives an error its status and whether it can be retried', () => {
    const error = new OmoiError('lock_held', 'lock "a" is held by agent b');
    expect([error.status, error.retryable, error.code]).toEqual([409, true, 'lock_held']);
  });
});
