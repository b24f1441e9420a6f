/** What keeps a command from being an agent, by how Node and OpenSSL tell it, as a person would say it. */
const TROUBLES: readonly (readonly [RegExp, (url: string, told: string) => string])[] = [
  [/\bECONNREFUSED\b/, (url) => `nothing listens at ${url}`],
  [/\b(?:ENOTFOUND|EAI_AGAIN)\b/, (url) => `the host of ${url} is not known here`],
  [/\b(?:EHOSTUNREACH|ENETUNREACH|EHOSTDOWN)\b/, (url) => `there is no way to ${url}`],
  [/\bin time$|\bETIMEDOUT\b/, (url) => `${url} does not answer`],
  [
    /wrong version number|packet length too long|\bEPROTO\b/,
    (url) => `${url} does not speak TLS: write http://`,
  ],
  [/certificate|CERT_/, (url, told) => `the certificate of ${url} is not trusted: ${told}`],
  [/Parse Error/, (url) => `${url} does not speak HTTP`],
  [/socket hang up|\b(?:ECONNRESET|EPIPE)\b/, closes],
];

/** The certificate's own hint is for who starts Node. */
const HINT_OF_NODE = /; if the root CA is installed locally.*$/;

/**
 * One line about what the SDK has told of the server.
 * @param told `the server is away: Error: connect ECONNREFUSED …`, or what the server has refused
 */
export function describeTrouble(told: string, url: string): string {
  const [, failure] = /^the server is away: (?:Error: )?(.*)$/s.exec(told) ?? [];
  if (failure === undefined) return told.replace(/^http_\d+: /, '');
  const line = failure.replaceAll(/\s+/g, ' ').trim().replace(HINT_OF_NODE, '');
  const known = TROUBLES.find(([pattern]) => pattern.test(line));
  const what = known ? known[1](originOf(url), line) : line;
  return `${what}; the command runs on, and is an agent as soon as Omoi answers there`;
}

function closes(url: string): string {
  const hint = url.startsWith('http://') ? ': is it https://?' : '';
  return `${url} closes each connection without an answer${hint}`;
}

function originOf(url: string): string {
  return URL.canParse(url) ? new URL(url).origin : url;
}
