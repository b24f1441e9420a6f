import { tmpdir } from 'node:os';
import { expect, it } from 'vitest';
import { run } from './run.ts';

const FLAGS = { type: 'worker', leftBehind: 'leave', dataDirectory: tmpdir() };

it.each([
  ['the pool, not the id made of it', { pool: 'a b' }, '--pool: "a b" must begin with'],
  [
    'an address',
    { pool: 'coders', url: 'localhost:4600' },
    '"localhost:4600" is no address like http://host:4600; did you mean http://localhost:4600?',
  ],
  [
    'an address that is not one with another scheme in front',
    { pool: 'coders', url: 'ftp://a' },
    /^"ftp:\/\/a" is no address like http:\/\/host:4600$/,
  ],
  [
    'an address with a password, which is not shown',
    { pool: 'coders', url: 'http://ann:secret@127.0.0.1:4600' },
    /^(?!.*secret).*no user and password: write http:\/\/127\.0\.0\.1:4600/,
  ],
  [
    'a limit',
    { pool: 'coders', stallAfter: 'soon' },
    '--stall-after: "soon" is no duration of at least 1s, nor never',
  ],
  ['the id', { pool: 'coders', id: '.hidden' }, '--id: ".hidden" must begin with'],
])('a name that is none is refused by %s', async (_, given, message) => {
  await expect(run(['true'], { ...FLAGS, ...given })).rejects.toThrow(message);
});
