import { messageOf, OmoiError } from '#telemetry';
import { tlsTrouble } from './tls-trouble.ts';

/**
 * The address of a path of a server's. What is wrong with it is told without what may be a password in it.
 * @throws OmoiError `invalid_request`
 */
export function addressOf(url: string, path: string): URL {
  if (!/^https?:/.test(url) || !URL.canParse(path, url)) {
    const meant = !url.includes('//') && URL.canParse(`http://${url}`) ? `; did you mean http://${url}?` : '';
    throw new OmoiError(
      'invalid_request',
      `${JSON.stringify(url)} is no address like http://host:4600${meant}`,
    );
  }
  const { username, password, origin } = new URL(url);
  if (username !== '' || password !== '') {
    throw new OmoiError(
      'invalid_request',
      `an address of Omoi has no user and password: write ${origin}, and put a token into $OMOI_TOKEN or log in (omoi login ${origin})`,
    );
  }
  assertNamesItself(path);
  return new URL(path, url);
}

/** A URL drops `.` and `..`, so that something else than what is named would be asked for. */
function assertNamesItself(path: string): void {
  const [names = ''] = path.split('?');
  const dots = names.split('/').find((name) => name === '.' || name === '..');
  if (dots !== undefined) throw new OmoiError('invalid_request', `nothing is called "${dots}"`);
}

/** What a header can carry of a token; others are made of letters, digits, `_` and `-`. */
const TOKEN = /^[\x21-\x7e]+$/;

/** The header by which a server knows who asks. @throws OmoiError `invalid_request`, which does not show the token */
export function authorizationOf(token: string | null): { readonly authorization?: string } {
  if (token === null) return {};
  if (TOKEN.test(token)) return { authorization: `Bearer ${token}` };
  throw new OmoiError(
    'invalid_request',
    'the token in $OMOI_TOKEN is none: it has spaces, line breaks or other characters that no token has',
  );
}

/** An error that says that there is no server now; one may come back. */
export function unreached(message: string): OmoiError {
  return new OmoiError('not_found', message, { is_away: true });
}

/** Why `fetch` got no answer, in one line. */
export function whyUnanswered(thrown: unknown, address: URL): OmoiError {
  const cause: unknown = thrown instanceof Error && thrown.cause !== undefined ? thrown.cause : thrown;
  const told = messageOf(cause).replace(/\s+/g, ' ').trim();
  const { code } = cause as { readonly code?: unknown };
  const tls = tlsTrouble(
    typeof code === 'string' && !told.includes(code) ? `${told} (${code})` : told,
    address,
  );
  // It is there, and will not be another one by itself.
  if (tls !== null) return new OmoiError('not_found', tls);
  return unreached(`no server answers at ${address.origin}: ${told}`);
}

/** Of a server that is just starting or stopping. */
const TRANSIENT: ReadonlySet<string> = new Set([
  'shutting_down',
  'not_ready',
  'server_busy',
  'too_many_streams',
]);

/** Whether a question may be answered when the server is back. */
export function isTransient(thrown: unknown): boolean {
  if (!(thrown instanceof OmoiError)) return false;
  return TRANSIENT.has(thrown.code) || thrown.details['is_away'] === true;
}
