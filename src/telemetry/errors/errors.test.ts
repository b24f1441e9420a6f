import { describe, expect, it } from 'vitest';
import { errorsPage } from './errors-page.ts';
import { ERROR_CATALOGUE, OmoiError } from './errors.ts';

describe('the error catalogue', () => {
  /** `npm run unit -- -u` writes it anew from the catalogue. */
  it('is what docs/errors.md says', async () => {
    await expect(errorsPage()).toMatchFileSnapshot('../../../docs/errors.md');
  });

  it.each(Object.entries(ERROR_CATALOGUE))('says of %s what it means and what to do', (_code, entry) => {
    for (const text of [entry.meaning, entry.remedy]) expect(text).toMatch(/^[A-Z].*\.$/);
  });

  it('gives an error its status and whether it can be retried', () => {
    const error = new OmoiError('lock_held', 'lock "a" is held by agent b');
    expect([error.status, error.retryable, error.code]).toEqual([409, true, 'lock_held']);
  });
});
