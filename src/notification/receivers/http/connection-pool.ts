import { Agent as PlainAgent, type AgentOptions } from 'node:http';
import { Agent as SecureAgent } from 'node:https';
import type { LookupFunction } from 'node:net';

import type { HttpClientSettings } from './http-client.ts';
import { decoded } from './request-secrets.ts';
import { checkTlsMaterial, readTlsMaterial, type TlsMaterial } from './tls-material.ts';
import { TunnelAgent } from './tunnel-agent.ts';

/** Connections of one integration to one address at a time, and how long they are kept when they are idle: each, as in a burst all are used again and again. */
export const maxConnectionsPerAddress = 8;
export const maxIdleConnectionMs = 60_000;

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

/** The connections of one integration. They are closed when its certificates or keys change. */
export class ConnectionPool {
  readonly #settings: HttpClientSettings;
  readonly #readFile: (path: string) => Promise<string>;
  readonly #lookup: LookupFunction;
  readonly #agents = new Map<string, PlainAgent | SecureAgent>();
  #tlsVersion = '';

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
    if (proxy === null) {
      return { agent: isSecure ? await this.#secureAgent(null) : this.#plainAgent(), asked: null };
    }
    if (isSecure) return { agent: await this.#secureAgent(proxy), asked: null };
    const agent = proxy.protocol === 'https:' ? this.#agentOfProxy() : this.#plainAgent();
    return { agent, asked: proxy };
  }

  close(): void {
    for (const agent of this.#agents.values()) agent.destroy();
    this.#agents.clear();
  }

  #plainAgent(): PlainAgent {
    return this.#agent('plain', () => new PlainAgent(KEPT));
  }

  /** A proxy's own certificate is judged by the machine's authorities. */
  #agentOfProxy(): SecureAgent {
    return this.#agent('proxy', () => new SecureAgent(KEPT));
  }

  async #secureAgent(proxy: URL | null): Promise<SecureAgent> {
    const material = await readTlsMaterial(this.#settings.tls_config, this.#readFile);
    if (material.version !== this.#tlsVersion) {
      checkTlsMaterial(material);
      this.close();
      this.#tlsVersion = material.version;
    }
    const options = { ...KEPT, ...material.options };
    if (proxy === null) return this.#agent('secure', () => new SecureAgent(options));
    return this.#agent(`tunnel ${proxy.href}`, () => this.#tunnelAgent(material, proxy));
  }

  #tunnelAgent(material: TlsMaterial, proxy: URL): TunnelAgent {
    const headers = { ...authorizationOfProxy(proxy), ...this.#settings.proxy_connect_header };
    const way = { url: proxy, headers, lookup: this.#lookup };
    return new TunnelAgent({ ...KEPT, ...material.options }, way);
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
