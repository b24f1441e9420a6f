import { isAlertmanagerPath } from '../alertmanager/alertmanager-refusal.ts';
import { isPrometheusPath } from './error-body.ts';

const BASIC = /^Basic +([A-Za-z0-9+/=]+)$/i;

/**
 * The Authorization header with the token where we look for it. Below `/prometheus/` and `/alertmanager/` a token may
 * also come as the password of basic authentication, under any name: it is all that some of their clients have, Debian's promtool
 * and amtool for two (`http://any:TOKEN@host:4600/prometheus`). Elsewhere it is not taken, since browsers send such credentials
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
  const takesBasic = isPrometheusPath(url) || isAlertmanagerPath(url);
  const [, credentials] = takesBasic ? (BASIC.exec(authorization ?? '') ?? []) : [];
  if (credentials === undefined) return authorization;
  const decoded = Buffer.from(credentials, 'base64').toString();
  return `Bearer ${decoded.slice(decoded.indexOf(':') + 1)}`;
}
