import { expect, it } from 'vitest';
import { describeTrouble } from './run/server-trouble.ts';
import { whyUnanswered } from './server-address.ts';

const failure = (message: string, code?: string): Error =>
  new TypeError('fetch failed', { cause: Object.assign(new Error(message), { code }) });

it.each([
  [
    'write EPROTO 40:error:0A00010B:SSL routines::wrong version number:../deps/x.c:77:\n',
    'ERR_SSL_WRONG_VERSION_NUMBER',
    'what listens at https://omoi:4600 does not speak TLS; did you mean http://omoi:4600?',
  ],
  [
    'self-signed certificate; if the root CA is installed locally, try running Node.js with --use-system-ca',
    undefined,
    'the certificate of https://omoi:4600 is not trusted: self-signed certificate',
  ],
])('%s is told in the same words by every command', (message, code, said) => {
  const refusal = whyUnanswered(failure(message, code), new URL('https://omoi:4600/x'));
  expect(refusal.message).toBe(said);
  // Asking again does not help.
  expect(refusal.details).toEqual({});
  const ofRun = describeTrouble(`the server is away: Error: ${message}`, 'https://omoi:4600/');
  expect(ofRun.startsWith(`${said}; the command runs on`)).toBe(true);
});

it('what is no trouble of TLS is away', () => {
  const refusal = whyUnanswered(
    failure('connect ECONNREFUSED 127.0.0.1:9', 'ECONNREFUSED'),
    new URL('http://omoi:9'),
  );
  expect(refusal.message).toBe('no server answers at http://omoi:9: connect ECONNREFUSED 127.0.0.1:9');
  expect(refusal.details).toEqual({ is_away: true });
});
