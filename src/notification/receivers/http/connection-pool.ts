import type { Agent as PlainAgent } from 'node:http';
import type { Agent as SecureAgent, AgentOptions } from 'node:https';
import type { LookupFunction } from 'node:net';

import type { HttpClientSettings } from './http-client.ts';
import { decoded } from './request-secrets.ts';
import { readTlsMaterial, secureContextOf } from './tls-material.ts';
import { type TlsOfProxy, TunnelAgent } from './tunnel-agent.ts';

/** Not imported by name: that would load the client behind `fetch` too, 5 MB. */
const http = process.getBuiltinModule('node:http');
const https = process.getBuiltinModule('node:https');

/** Connections of one integration to one address at a time, and how long they are kept when they are idle: each, as in a burst all are used again and again. */
export const maxConnectionsPerAddress = 8;
const maxIdleConnectionMs = 60_000;

const KEPT: AgentOptions = {
  keepAlive: true,
  maxSockets: maxConnectionsPerAddress,
  maxFreeSockets: maxConnectionsPerAddress,
  timeout: maxIdleConnectionMs,
};

/** The way of one request: which connections it may use, and whether a proxy is told the whole address. */
export interface Way {
  readonly agent: PlainAgent | SecureAgent;
  /** The proxy that is asked in the target's place; null where the target is connected to, by a tunnel too. */
  readonly asked: URL | null;
}

interface TlsOptions extends TlsOfProxy {
  readonly servername?: string;
}

/** The connections of one integration. They are closed when its certificates or keys change. */
export class ConnectionPool {
  readonly #settings: HttpClientSettings;
  readonly #readFile: (path: string) => Promise<string>;
  readonly #lookup: LookupFunction;
  readonly #agents = new Map<string, PlainAgent | SecureAgent>();
  #tls: { readonly version: string; readonly options: TlsOptions } | null = null;

  constructor(
    settings: HttpClientSettings,
    readFile: (path: string) => Promise<string>,
    lookup: LookupFunction,
  ) {
    this.#settings = settings;
    this.#readFile = readFile;
    this.#lookup = lookup;
  }

  /** @throws NoAnswer where certificates or keys cannot be used */
  async wayTo(url: URL, proxy: URL | null): Promise<Way> {
    const isSecure = url.protocol === 'https:';
    if (!isSecure && proxy?.protocol !== 'https:') return { agent: this.#plainAgent(), asked: proxy };
    const { servername, ...tls } = await this.#tlsOptions();
    const named = servername === undefined ? {} : { servername };
    if (!isSecure)
      return { agent: this.#agent('proxy', () => new https.Agent({ ...KEPT, ...tls })), asked: proxy };
    const options = { ...KEPT, ...tls, ...named };
    if (proxy === null) return { agent: this.#agent('secure', () => new https.Agent(options)), asked: null };
    const agent = this.#agent(`tunnel ${proxy.href}`, () => {
      const headers = { ...authorizationOfProxy(proxy), ...this.#settings.proxy_connect_header };
      return new TunnelAgent(options, { url: proxy, headers, lookup: this.#lookup, tls });
    });
    return { agent, asked: null };
  }

  close(): void {
    for (const agent of this.#agents.values()) agent.destroy();
    this.#agents.clear();
  }

  #plainAgent(): PlainAgent {
    return this.#agent('plain', () => new http.Agent(KEPT));
  }

  /** For the target and, but for the name, for a proxy that speaks TLS itself. */
  async #tlsOptions(): Promise<TlsOptions> {
    const material = await readTlsMaterial(this.#settings.tls_config, this.#readFile);
    const known = this.#tls;
    if (known?.version === material.version) return known.options;
    const { servername, rejectUnauthorized } = material.options;
    const options = {
      secureContext: secureContextOf(material),
      rejectUnauthorized,
      ...(servername === undefined ? {} : { servername }),
    };
    this.close();
    this.#tls = { version: material.version, options };
    return options;
  }

  #agent<Kind extends PlainAgent | SecureAgent>(name: string, create: () => Kind): Kind {
    const known = this.#agents.get(name);
    if (known) return known as Kind;
    const created = create();
    this.#agents.set(name, created);
    return created;
  }
}

/** The credentials in a proxy's address, as the proxy takes them. */
export function authorizationOfProxy({ username, password }: URL): Readonly<Record<string, string>> {
  if (username === '' && password === '') return {};
  const credentials = `${decoded(username)}:${decoded(password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(credentials).toString('base64')}` };
}
