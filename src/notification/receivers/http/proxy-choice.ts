import { BlockList, isIP } from 'node:net';

import { hostNameOf } from './address-guard.ts';
import { type HttpClientSettings, NoAnswer } from './http-client.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** How a host is told that it needs no proxy, as Go's `httpproxy` reads `NO_PROXY`: `*`, hosts, `.suffixes`, addresses, networks; each with a port or without. */
interface Exception {
  readonly host: string;
  readonly port: string;
}

const DEFAULT_PORTS: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' };

/** The port of a URL, whether it is written or not. */
export function portOf(url: URL): string {
  return url.port === '' ? (DEFAULT_PORTS[url.protocol] ?? '') : url.port;
}

function parseException(text: string): Exception {
  const bracketed = /^\[([^\]]+)\](?::(\d+))?$/.exec(text);
  if (bracketed) return { host: bracketed[1] ?? '', port: bracketed[2] ?? '' };
  const withPort = /^([^:]+):(\d+)$/.exec(text);
  return withPort ? { host: withPort[1] ?? '', port: withPort[2] ?? '' } : { host: text, port: '' };
}

function family(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 4 ? 'ipv4' : 'ipv6';
}

function isInNetwork(address: string, network: string): boolean {
  const [start = '', prefix = ''] = network.split('/');
  if (isIP(address) === 0 || isIP(start) !== isIP(address)) return false;
  const bits = Number(prefix);
  if (!/^\d+$/.test(prefix) || bits > (isIP(start) === 4 ? 32 : 128)) return false;
  const list = new BlockList();
  list.addSubnet(start, bits, family(start));
  return list.check(address, family(address));
}

function isExcepted(url: URL, noProxy: string): boolean {
  const host = hostNameOf(url);
  const port = portOf(url);
  return noProxy
    .split(',')
    .map((entry) => entry.trim().toLowerCase())
    .filter((entry) => entry !== '')
    .some((entry) => {
      if (entry === '*') return true;
      if (entry.includes('/')) return isInNetwork(host, entry);
      const exception = parseException(entry);
      if (exception.port !== '' && exception.port !== port) return false;
      if (isIP(exception.host) !== 0) return exception.host === host;
      // `example.com` stands for itself and what is below it, `.example.com` and `*.example.com` for what is below.
      const suffix = exception.host.replace(/^\*(?=\.)/, '');
      if (suffix.startsWith('.')) return host.endsWith(suffix);
      return host === suffix || host.endsWith(`.${suffix}`);
    });
}

/** Whether the machine itself is meant, which Go's programs reach without a proxy wherever exceptions are asked for. */
function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

function parseProxy(text: string): URL {
  const url = urlOfProxy(text);
  const problem = problemOfProxy(text);
  if (url !== null && problem === null) return url;
  throw new NoAnswer('settings', `the proxy${url ? ` ${url.host}` : ''} ${problem ?? ''}`);
}

/** Why no message can go by a proxy, in words that follow "the proxy" and do not repeat its address; null where one can. */
export function problemOfProxy(text: string): string | null {
  const url = urlOfProxy(text);
  if (url === null) return 'has an address that is no URL';
  if (url.protocol === 'http:' || url.protocol === 'https:') return null;
  return `has the scheme ${url.protocol.slice(0, -1)}, and only http and https are spoken`;
}

function urlOfProxy(text: string): URL | null {
  return URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`);
}

interface Variable {
  readonly name: string;
  /** '' where it is not set. */
  readonly value: string;
}

/** By its name in capitals, or else in small letters. */
function readVariable(environment: Environment, name: string): Variable {
  const small = name.toLowerCase();
  return environment[name]
    ? { name, value: environment[name] }
    : { name: small, value: environment[small] ?? '' };
}

/** The variables of an environment that name a proxy by which no message can go, each with the problem in `problemOfProxy`'s words. */
export function unusableProxies(
  environment: Environment,
): readonly { readonly variable: string; readonly problem: string }[] {
  return ['HTTPS_PROXY', 'HTTP_PROXY'].flatMap((variable) => {
    const { name, value } = readVariable(environment, variable);
    const problem = value === '' ? null : problemOfProxy(value);
    return problem === null ? [] : [{ variable: name, problem }];
  });
}

/**
 * The proxy by which a URL is called; null: by none.
 *
 * @throws NoAnswer `settings` where the proxy's address cannot be used
 */
export function proxyFor(
  url: URL,
  settings: Pick<HttpClientSettings, 'proxy_url' | 'no_proxy' | 'proxy_from_environment'>,
  environment: Environment,
): URL | null {
  if (settings.proxy_from_environment) {
    const { value: proxy } = readVariable(
      environment,
      url.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY',
    );
    const { value: noProxy } = readVariable(environment, 'NO_PROXY');
    if (proxy === '' || isLoopback(hostNameOf(url)) || isExcepted(url, noProxy)) return null;
    return parseProxy(proxy);
  }
  if (!settings.proxy_url) return null;
  const proxy = parseProxy(settings.proxy_url);
  if (!settings.no_proxy) return proxy;
  return isLoopback(hostNameOf(url)) || isExcepted(url, settings.no_proxy) ? null : proxy;
}
