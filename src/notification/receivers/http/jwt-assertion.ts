import { createSign } from 'node:crypto';

import { type Clock, createId, type Random } from '#telemetry';

import { type HttpClientSettings, NoAnswer } from './http-client.ts';

export type JwtSettings = NonNullable<NonNullable<HttpClientSettings['oauth2']>['jwt']>;

/** How long an assertion is good for: as Prometheus's client library says. */
const assertionTtlSeconds = 600;

const HASHES: Readonly<Record<string, string>> = {
  RS256: 'RSA-SHA256',
  RS384: 'RSA-SHA384',
  RS512: 'RSA-SHA512',
};

export interface AssertionParts {
  readonly settings: JwtSettings;
  /** PEM */
  readonly key: string;
  readonly clientId: string;
  /** Separated by spaces; '' for none. */
  readonly scope: string;
}

/**
 * A signed assertion by which a client asks for a token (RFC 7523, 2.1).
 *
 * @throws NoAnswer `settings` where the key is no RSA key
 */
export function jwtAssertion(parts: AssertionParts, clock: Pick<Clock, 'wallMs'>, random: Random): string {
  const { settings, key, clientId, scope } = parts;
  const nowSeconds = Math.floor(clock.wallMs() / 1000);
  const header = {
    alg: settings.algorithm,
    typ: 'JWT',
    ...(settings.key_id === undefined ? {} : { kid: settings.key_id }),
  };
  const claims = {
    iss: settings.issuer,
    sub: clientId,
    jti: createId('jwt', clock.wallMs(), random),
    aud: settings.audience,
    iat: nowSeconds,
    exp: nowSeconds + assertionTtlSeconds,
    ...(scope === '' ? {} : { scope }),
    ...settings.claims,
  };
  const signed = [header, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  try {
    const signature = createSign(HASHES[settings.algorithm] ?? '')
      .update(signed)
      .sign(key, 'base64url');
    return `${signed}.${signature}`;
  } catch {
    throw new NoAnswer(
      'settings',
      'oauth2.client_certificate_key cannot sign: it has to be an RSA key in PEM',
    );
  }
}
