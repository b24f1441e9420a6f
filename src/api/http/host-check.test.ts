import { describe, expect, it } from 'vitest';
import { checkHost, checkOrigin } from './host-check.ts';

const allowed = new Set(['omoi.example']);

describe('checkHost', () => {
  it.each([
    { host: 'localhost:4600', localAddress: '127.0.0.1', passes: true },
    { host: '127.0.0.1:4600', localAddress: '127.0.0.1', passes: true },
    { host: '[::1]:4600', localAddress: '::1', passes: true },
    { host: 'OMOI.example', localAddress: '10.0.0.5', passes: true },
    { host: '10.0.0.5:4600', localAddress: '10.0.0.5', passes: true },
    { host: '10.0.0.5:4600', localAddress: '::ffff:10.0.0.5', passes: true },
    { host: '10.0.0.6:4600', localAddress: '10.0.0.5', passes: false },
    { host: 'rebound.attacker.example:4600', localAddress: '127.0.0.1', passes: false },
    { host: '127.0.0.1.attacker.example', localAddress: '127.0.0.1', passes: false },
    { host: 'localhost.attacker.example', localAddress: '127.0.0.1', passes: false },
    { host: undefined, localAddress: '127.0.0.1', passes: false },
    { host: 'a b', localAddress: '127.0.0.1', passes: false },
  ])('$host arriving at $localAddress passes: $passes', ({ host, localAddress, passes }) => {
    const check = (): void =>
      checkHost({ host, localAddress, origin: undefined, httpVersion: '1.1' }, allowed);
    if (passes) expect(check).not.toThrow();
    else expect(check).toThrow(expect.objectContaining({ code: 'host_not_allowed' }));
  });
});

describe('checkOrigin', () => {
  it.each([
    { origin: undefined, host: 'localhost:4600', passes: true },
    { origin: 'http://localhost:4600', host: 'localhost:4600', passes: true },
    { origin: 'https://omoi.example', host: 'omoi.example', passes: true },
    { origin: 'http://localhost:5173', host: 'localhost:4600', passes: false },
    { origin: 'https://attacker.example', host: 'localhost:4600', passes: false },
    { origin: 'null', host: 'localhost:4600', passes: false },
  ])('$origin asking $host passes: $passes', ({ origin, host, passes }) => {
    const check = (): void => checkOrigin({ host, origin });
    if (passes) expect(check).not.toThrow();
    else expect(check).toThrow(expect.objectContaining({ code: 'origin_not_allowed' }));
  });
});
