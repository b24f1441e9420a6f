import { isIP } from 'node:net';

interface HostPort {
  readonly host: string;
  readonly port: string;
}

/** Go's net.SplitHostPort; null where there is no port, or the text is no address. */
function splitHostPort(text: string): HostPort | null {
  const colon = text.lastIndexOf(':');
  if (colon === -1) return null;
  const port = text.slice(colon + 1);
  if (text.startsWith('[')) {
    const bracket = text.indexOf(']');
    if (bracket === -1 || bracket + 1 !== colon) return null;
    const host = text.slice(1, bracket);
    return /[[\]]/.test(host + port) ? null : { host, port };
  }
  const host = text.slice(0, colon);
  return /[:[\]]/.test(host) || /[[\]]/.test(port) ? null : { host, port };
}

/** `db1:9090` → `db1` */
export function stripPort(text: string): string {
  return splitHostPort(text)?.host ?? text;
}

/** `db1.example.com:9090` → `db1:9090`; addresses stay as they are. */
export function stripDomain(text: string): string {
  const split = splitHostPort(text);
  const host = split?.host ?? text;
  if (isIP(host) !== 0 && !host.includes('%')) return text;
  const name = host.split('.', 1)[0] ?? '';
  const port = split?.port ?? '';
  if (port === '') return name;
  return name.includes(':') ? `[${name}]:${port}` : `${name}:${port}`;
}
