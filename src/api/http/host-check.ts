import { isIPv4 } from 'node:net';
import { OmoiError } from '#telemetry';

const HOST = 'host';

/** What a request says about where it was sent and where it comes from. */
export interface RequestAddress {
  /** The `Host` header. */
  readonly host: string | undefined;
  /** Of HTTP: `1.0`, `1.1`. */
  readonly httpVersion: string;
  /** The `Origin` header. */
  readonly origin: string | undefined;
  /** The server's own address on the connection. */
  readonly localAddress: string | undefined;
}

/**
 * Refuses a request whose Host is neither loopback, nor the address it arrived on, nor listed. A web page whose
 * name was re-bound to this machine (DNS rebinding) sends its own name as Host, and stops here. HTTP/1.0, which no
 * browser speaks but the probes of load balancers, may leave it out.
 * @throws OmoiError `host_not_allowed`
 */
export function checkHost(address: RequestAddress, allowedHosts: ReadonlySet<string>): void {
  if (address.host === undefined && address.httpVersion === '1.0') return;
  const name = hostName(address.host ?? '');
  if (name !== null && (isLoopbackName(name) || allowedHosts.has(name))) return;
  if (name !== null && name === plainAddress(address.localAddress)) return;
  throw new OmoiError(
    'host_not_allowed',
    `the host "${address.host ?? ''}" is not one that this server goes by`,
  );
}

/**
 * Refuses a request that names its host more than once: another program on the way may have gone by the other name
 * (https://www.rfc-editor.org/rfc/rfc9112#section-3.2). Node reads the first.
 * @param rawHeaders names and values in turn, as they came
 * @throws OmoiError `invalid_request`
 */
export function checkOneHost(rawHeaders: readonly string[]): void {
  let hosts = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? '';
    if (name.length === HOST.length && name.toLowerCase() === HOST) hosts += 1;
  }
  if (hosts > 1) throw new OmoiError('invalid_request', 'the request has more than one Host header');
}

/**
 * Refuses a change that a page of another origin asks for. Callers that are no browser send no Origin.
 * @throws OmoiError `origin_not_allowed`
 */
export function checkOrigin({ host, origin }: Pick<RequestAddress, 'host' | 'origin'>): void {
  if (origin === undefined) return;
  const own = URL.canParse(origin) ? new URL(origin).host : null;
  if (own !== null && own === normalHost(host)) return;
  throw new OmoiError('origin_not_allowed', `changes from the origin "${origin}" are not allowed`);
}

/** Whether an address of a socket is this machine's loopback. */
export function isLoopbackAddress(address: string | undefined): boolean {
  const plain = plainAddress(address);
  return plain !== null && (plain === '::1' || (isIPv4(plain) && plain.startsWith('127.')));
}

function isLoopbackName(name: string): boolean {
  return name === 'localhost' || name.endsWith('.localhost') || isLoopbackAddress(name);
}

/** Host and port as a browser writes them in an origin, where 80 is left away. */
function normalHost(host: string | undefined): string | null {
  const url = `http://${host ?? ''}`;
  return URL.canParse(url) ? new URL(url).host : null;
}

/** The name in a Host header, without port and brackets, in lower case. */
function hostName(host: string): string | null {
  const url = `http://${host}`;
  if (host === '' || !URL.canParse(url)) return null;
  return new URL(url).hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
}

/** An IPv4 address that arrived on an IPv6 socket without its `::ffff:`. */
function plainAddress(address: string | undefined): string | null {
  if (address === undefined) return null;
  return address.replace(/^::ffff:/i, '');
}
