import { expect, it } from 'vitest';
import { OmoiError } from '#telemetry';
import { answeredError, UnknownRefusal } from './answered-error.ts';

it('a refusal by a code that this version does not know is one line, and no fault of the program', () => {
  const error = answeredError({ error: 'of_a_later_version', message: 'It is so.' }, null);
  expect(error).toBeInstanceOf(UnknownRefusal);
  expect(error.message).toBe('It is so. (of_a_later_version)');
});

it('an answer in no form of ours is shown, but not a page of it', () => {
  const error = answeredError({ page: 'x'.repeat(100_000) }, null);
  expect(error).toBeInstanceOf(UnknownRefusal);
  expect(error.message).toMatch(/^the server refused: \{"page":"x{200,300}…$/);
});

it('a code of ours keeps its meaning and names its page', () => {
  const error = answeredError({ error: 'unknown_agent', message: 'No w.' }, 'http://omoi:4600');
  expect(error).toBeInstanceOf(OmoiError);
  expect(error).toMatchObject({
    code: 'unknown_agent',
    details: { docs: 'http://omoi:4600/docs/errors#unknown_agent' },
  });
});
