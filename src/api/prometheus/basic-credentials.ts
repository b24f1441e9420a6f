import { isPrometheusPath } from './error-body.ts';

const BASIC = /^Basic +([A-Za-z0-9+/=]+)$/i;

/**
 * The Authorization header with the token where we look for it. Below `/prometheus/` a token may also come as the
 * password of basic authentication, under any name: it is all that some clients of Prometheus have, Debian's promtool
 * for one (`http://any:TOKEN@host:4600/prometheus`). Elsewhere it is not taken, since browsers send such credentials
 * unasked.
 */
export function authorizationOf({
  url,
  headers,
}: {
  readonly url: string;
  readonly headers: { readonly authorization?: string | undefined };
}): string | undefined {
  const { authorization } = headers;
  const [, credentials] = isPrometheusPath(url) ? (BASIC.exec(authorization ?? '') ?? []) : [];
  if (credentials === undefined) return authorization;
  const decoded = Buffer.from(credentials, 'base64').toString();
  return `Bearer ${decoded.slice(decoded.indexOf(':') + 1)}`;
}
