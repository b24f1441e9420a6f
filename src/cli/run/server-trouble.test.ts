import { expect, it } from 'vitest';
import { describeTrouble } from './server-trouble.ts';

const URL = 'http://omoi:4600/';
const AFTER = '; the command runs on, and is an agent as soon as Omoi answers there';

it.each([
  ['Error: connect ECONNREFUSED 127.0.0.1:9', 'nothing listens at http://omoi:4600'],
  ['Error: getaddrinfo ENOTFOUND omoi', 'the host of http://omoi:4600 is not known here'],
  ['Error: getaddrinfo EAI_AGAIN omoi', 'the host of http://omoi:4600 is not known here'],
  ['Error: connect EHOSTUNREACH 10.0.0.1:80', 'there is no way to http://omoi:4600'],
  ['Error: no answer to /api/v1/fleet/agents in time', 'http://omoi:4600 does not answer'],
  ['Error: Parse Error: Expected HTTP/, RTSP/ or ICE/', 'http://omoi:4600 does not speak HTTP'],
  ['Error: socket hang up', 'http://omoi:4600 closes each connection without an answer: is it https://?'],
  [
    'Error: write EPROTO 40:error:0A00010B:SSL routines::wrong version number:../deps/x.c:77:\n',
    'what listens at http://omoi:4600 does not speak TLS; did you mean http://omoi:4600?',
  ],
  [
    'Error: self-signed certificate; if the root CA is installed locally, try running Node.js with --use-system-ca',
    'the certificate of http://omoi:4600 is not trusted: self-signed certificate',
  ],
  ['http://omoi:4600 answers unlike Omoi (status 502)', 'http://omoi:4600 answers unlike Omoi (status 502)'],
  ['Error: something\n  else', 'something else'],
])('%s', (failure, said) => {
  expect(describeTrouble(`the server is away: ${failure}`, URL)).toBe(said + AFTER);
});

it('what a server has refused is its own word', () => {
  expect(describeTrouble('unauthenticated: a token is needed', URL)).toBe(
    'unauthenticated: a token is needed',
  );
  const unlike = 'http://omoi:4600 answers unlike Omoi (status 404)';
  expect(describeTrouble(`http_404: ${unlike}`, URL)).toBe(unlike);
});

it('of TLS that is closed no other scheme is the way', () => {
  expect(describeTrouble('the server is away: Error: socket hang up', 'https://omoi:4600')).not.toContain(
    'is it',
  );
});
