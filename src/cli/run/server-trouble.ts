import { tlsTrouble } from '../tls-trouble.ts';

/** What keeps a command from being an agent, by how Node and OpenSSL tell it, as a person would say it. */
const TROUBLES: readonly (readonly [RegExp, (url: string) => string])[] = [
  [/\bECONNREFUSED\b/, (url) => `nothing listens at ${url}`],
  [/\b(?:ENOTFOUND|EAI_AGAIN)\b/, (url) => `the host of ${url} is not known here`],
  [/\b(?:EHOSTUNREACH|ENETUNREACH|EHOSTDOWN)\b/, (url) => `there is no way to ${url}`],
  [/\bin time$|\bETIMEDOUT\b/, (url) => `${url} does not answer`],
  [/Parse Error/, (url) => `${url} does not speak HTTP`],
  [/socket hang up|\b(?:ECONNRESET|EPIPE)\b/, closes],
];

/**
 * One line about what the SDK has told of the server.
 * @param told `the server is away: Error: connect ECONNREFUSED …`, or what the server has refused
 */
export function describeTrouble(told: string, url: string): string {
  const [, failure] = /^the server is away: (?:Error: )?(.*)$/s.exec(told) ?? [];
  if (failure === undefined) return told.replace(/^http_\d+: /, '');
  const line = failure.replaceAll(/\s+/g, ' ').trim();
  const known = TROUBLES.find(([pattern]) => pattern.test(line));
  const tls = URL.canParse(url) ? tlsTrouble(line, new URL(url)) : null;
  const what = tls ?? known?.[1](originOf(url)) ?? line;
  return `${what}; the command runs on, and is an agent as soon as Omoi answers there`;
}

function closes(url: string): string {
  const hint = url.startsWith('http://') ? ': is it https://?' : '';
  return `${url} closes each connection without an answer${hint}`;
}

function originOf(url: string): string {
  return URL.canParse(url) ? new URL(url).origin : url;
}
