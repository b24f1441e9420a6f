/**
 * What Go's `net/url` says of an address. Configurations are read by what it accepts, which is not what the URL standard of browsers
 * accepts: a space or a broken escape is an error there, and nothing is rewritten.
 */

const SCHEME = /^([a-zA-Z][a-zA-Z0-9+.-]*):/;
const BROKEN_ESCAPE = /%(?![0-9a-fA-F]{2})/;
const USER_INFO = /^[A-Za-z0-9\-._:~!$&'()*+,;=%@]*$/;
const HOST = /^[A-Za-z0-9\-._~!$&'()*+,;=:[\]<>"%\u0080-\u{10ffff}]*$/u;
const ASCII_ESCAPE_IN_HOST = /%[0-7][0-9a-fA-F]/;
const PORT = /^(?::\d*)?$/;

/**
 * Why a text is no address of a web server, in words that do not repeat it: it may be a secret. Null where it is one.
 * @param text `https://example.org:8443/hook?x=1`
 */
export function problemOfHttpUrl(text: string): string | null {
  const broken = problemOfUrl(text);
  if (broken !== null) return broken;
  const { scheme, authority } = partsOf(text);
  if (scheme !== 'http' && scheme !== 'https') {
    if (scheme !== '') return `unsupported scheme "${scheme}" for URL`;
    return /^\$(?:\{|[A-Z])/.test(text)
      ? 'environment variables are not filled in, nor does Alertmanager; write https://…, or a …_file'
      : 'the address has no scheme; write https://…';
  }
  if (hostOf(authority ?? '') === '') return 'missing host for URL';
  return null;
}

/** Why Go could not parse a text as a URL of whatever scheme; null where it could. */
export function problemOfUrl(text: string): string | null {
  if (hasControl(text)) return 'invalid control character in URL';
  if (text.startsWith(':')) return 'missing protocol scheme';
  const { scheme, authority, path, fragment } = partsOf(text);
  if (scheme === '' && authority === null && /^[^/?]*:/.test(path)) {
    return 'first path segment in URL cannot contain colon';
  }
  if (BROKEN_ESCAPE.test(path) || BROKEN_ESCAPE.test(fragment)) return 'invalid URL escape';
  return authority === null ? null : problemOfAuthority(authority);
}

/** The address with `/` at the end of its path, as Alertmanager makes it of those that it appends to. */
export function withSlashAtEnd(url: string): string {
  const [, path = '', rest = ''] = /^([^?#]*)(.*)$/s.exec(url) ?? [];
  return path.endsWith('/') ? url : `${path}/${rest}`;
}

/** Of ASCII: those above it are letters to Go. */
function hasControl(text: string): boolean {
  return /\p{Cc}/u.test(text.replaceAll(/[\u0080-\u009f]/g, ''));
}

function problemOfAuthority(authority: string): string | null {
  const at = authority.lastIndexOf('@');
  const userInfo = at < 0 ? '' : authority.slice(0, at);
  const host = authority.slice(at + 1);
  if (!USER_INFO.test(userInfo)) return 'invalid userinfo in URL';
  if (BROKEN_ESCAPE.test(authority)) return 'invalid URL escape';
  if (host.startsWith('[')) {
    const end = host.lastIndexOf(']');
    if (end < 0) return "missing ']' in host";
    return PORT.test(host.slice(end + 1)) ? null : 'invalid port after host';
  }
  if (!HOST.test(host) || ASCII_ESCAPE_IN_HOST.test(host)) return 'invalid character in host name';
  const colon = host.lastIndexOf(':');
  return colon < 0 || PORT.test(host.slice(colon)) ? null : 'invalid port after host';
}

function hostOf(authority: string): string {
  return authority.slice(authority.lastIndexOf('@') + 1);
}

interface UrlParts {
  /** In lower case; '' where there is none. */
  readonly scheme: string;
  /** Null where there is no `//`. */
  readonly authority: string | null;
  readonly path: string;
  readonly fragment: string;
}

function partsOf(text: string): UrlParts {
  const hash = text.indexOf('#');
  const fragment = hash < 0 ? '' : text.slice(hash + 1);
  const withoutFragment = hash < 0 ? text : text.slice(0, hash);
  const scheme = SCHEME.exec(withoutFragment)?.[1]?.toLowerCase() ?? '';
  const behindScheme = scheme === '' ? withoutFragment : withoutFragment.slice(scheme.length + 1);
  const query = behindScheme.indexOf('?');
  const hierarchy = query < 0 ? behindScheme : behindScheme.slice(0, query);
  if (!hierarchy.startsWith('//')) return { scheme, authority: null, path: hierarchy, fragment };
  const slash = hierarchy.indexOf('/', 2);
  const end = slash < 0 ? hierarchy.length : slash;
  return { scheme, authority: hierarchy.slice(2, end), path: hierarchy.slice(end), fragment };
}
