import { describe, expect, it } from 'vitest';
import { infiniteNumber } from './json-numbers.ts';

const problemOf = (text: string) => infiniteNumber(text, JSON.parse(text));

describe('numbers of JSON bodies', () => {
  it.each([
    ['1e999', 'body: '],
    ['-1E+0309', 'body: '],
    ['{"a":[1,{"b":1e309}]}', 'body.a.1.b: '],
    [`{"a":${'9'.repeat(310)}}`, 'body.a: '],
    [`[${'9'.repeat(215)}e99]`, 'body.0: '],
  ])('%s is refused: it would become null', (text, place) => {
    expect(JSON.stringify(JSON.parse(text))).toContain('null');
    expect(problemOf(text)).toMatchObject({
      code: 'invalid_request',
      message: expect.stringContaining(place),
    });
  });

  it.each(['1e308', '{"a":"1e999"}', `"${'9'.repeat(400)}"`, '1e-999', '9007199254740993', '{"e999":null}'])(
    '%s is taken',
    (text) => {
      expect(problemOf(text)).toBeNull();
    },
  );
});
