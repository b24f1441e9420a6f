import fc from 'fast-check';
import { expect, it } from 'vitest';

import { RequestSecrets } from './request-secrets.ts';

function shownOf(address: string, text: string, ...credentials: readonly string[]): string {
  const secrets = new RequestSecrets();
  secrets.addAddress(new URL(address));
  for (const secret of credentials) secrets.add(secret);
  return secrets.withoutSecrets(text);
}

it.each([
  [
    'https://h.example/services/T0SECRET/B',
    'no https://h.example/services/T0SECRET/B',
    'no https://h.example<secret>',
  ],
  [
    'https://h.example/services/T0SECRET/B',
    String.raw`{"path":"\/services\/T0SECRET\/B"}`,
    String.raw`{"path":"\/<secret>\/<secret>\/B"}`,
  ],
  ['https://h.example/a?sig=ab%2Bcdef', 'sig=ab%2Bcdef is not ab+cdef', 'sig=<secret> is not <secret>'],
  ['https://h.example/h%C3%B6ok-secret', 'no /höok-secret', 'no /<secret>'],
  ['https://me:hunter2@h.example/', 'me:hunter2', 'me:<secret>'],
  ['https://h.example/a/b', 'a and b are words', 'a and b are words'],
])('%s: %s', (address, text, expected) => {
  expect(shownOf(address, text)).toBe(expected);
});

it('leaves no secret in any text', () => {
  const word = fc.stringMatching(/^[A-Za-z0-9_-]{8,40}$/);
  fc.assert(
    fc.property(word, word, word, fc.string(), (path, query, credential, around) => {
      fc.pre(!'<secret>'.includes(path) && !'<secret>'.includes(query) && !'<secret>'.includes(credential));
      const text = `${around}${path}${around} ${query}/${credential}${around}`;
      const shown = shownOf(`https://h.example/x/${path}/y?token=${query}`, text, credential);
      for (const secret of [path, query, credential]) expect(shown).not.toContain(secret);
    }),
  );
});
