/** OpenSSL's words for an answer that is no TLS, and Node's for a certificate that it does not accept. */
const NO_TLS = /wrong[ _]version[ _]number|packet[ _]length[ _]too[ _]long|\bEPROTO\b/i;
const NOT_TRUSTED = /certificate|CERT_/;

/** The certificate's own hint is for who starts Node. */
const HINT_OF_NODE = /; if the root CA is installed locally.*$/;

/**
 * What keeps TLS from a server, in one line, wherever it is met; null where it is something else.
 * @param told by Node or OpenSSL, in one line
 */
export function tlsTrouble(told: string, { origin, host }: Pick<URL, 'origin' | 'host'>): string | null {
  if (NO_TLS.test(told)) return `what listens at ${origin} does not speak TLS; did you mean http://${host}?`;
  if (!NOT_TRUSTED.test(told)) return null;
  return `the certificate of ${origin} is not trusted: ${told.replace(HINT_OF_NODE, '')}`;
}
