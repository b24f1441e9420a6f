import { NoAnswer } from './http-client.ts';

/** What the codes of Node mean, for who reads why a message did not arrive. */
const CAUSES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection closed before there was an answer',
  EPIPE: 'connection closed before there was an answer',
  ETIMEDOUT: 'connection timed out',
  EHOSTUNREACH: 'host unreachable',
  ENETUNREACH: 'network unreachable',
  ENOTFOUND: 'the name cannot be resolved',
  EAI_AGAIN: 'the name cannot be resolved now',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS',
  EPROTO: 'TLS failed',
  ERR_INVALID_CHAR: 'a header of http_config has a character that headers may not have',
  Z_DATA_ERROR: 'its answer is no gzip, though it says so',
  Z_BUF_ERROR: 'its answer ended early',
};

const UNKNOWN_AUTHORITY =
  'its certificate is signed by an authority that is not trusted; name that in tls_config.ca_file if it is the right one';

/** What is wrong with a certificate, and what to do. */
const OF_CERTIFICATES: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'its certificate has expired; it has to be renewed there',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet; compare the clocks of both machines',
  DEPTH_ZERO_SELF_SIGNED_CERT:
    'its certificate is signed by itself; name it in tls_config.ca_file if it is the right one',
  SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN_AUTHORITY,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT: UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNKNOWN_AUTHORITY,
  ERR_TLS_CERT_ALTNAME_INVALID:
    'its certificate is made out to another name; call it by a name of its certificate, or write that into tls_config.server_name',
};

/** What a code of TLS says of the server's certificate, and what to do; null for other codes. */
export function certificateFailure(code: string): string | null {
  const cause = OF_CERTIFICATES[code];
  return cause === undefined ? null : `${cause} (${code})`;
}

/** Codes by which trying again changes nothing. */
const OF_SETTINGS = new Set(['ERR_INVALID_CHAR']);

function codeOf(error: unknown): string {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return '';
  return error.code;
}

/** The first error of several: Node tries all addresses of a name, and tells of each. */
function firstOf(error: unknown): unknown {
  return error instanceof AggregateError ? (error.errors[0] ?? error) : error;
}

/**
 * Why there is no answer, by host and cause. What Node's error says beyond its code is left out: it may repeat what was sent.
 *
 * @param signal that of the request: where it is aborted, that is the cause
 */
export function noAnswerOf(error: unknown, host: string, signal: AbortSignal | null): NoAnswer {
  if (error instanceof NoAnswer) return error;
  if (signal?.aborted) return new NoAnswer('timeout', `${host}: no answer in the time that it has`);
  const code = codeOf(firstOf(error));
  const ofCertificate = certificateFailure(code);
  if (ofCertificate !== null) return new NoAnswer('connection', `${host}: ${ofCertificate}`);
  const known = CAUSES[code];
  const cause = known ?? (code.startsWith('HPE_') ? 'its answer is no HTTP' : 'the connection failed');
  const kind = OF_SETTINGS.has(code) ? 'settings' : 'connection';
  return new NoAnswer(kind, `${host}: ${cause}${code === '' ? '' : ` (${code})`}`);
}
