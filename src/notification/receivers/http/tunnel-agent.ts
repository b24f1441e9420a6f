import type { RequestOptions } from 'node:http';
import type { AgentOptions } from 'node:https';
import type { LookupFunction } from 'node:net';
import type { Duplex } from 'node:stream';
import type { SecureContext } from 'node:tls';

import { hostNameOf } from './address-guard.ts';
import { noAnswerOf } from './failure-texts.ts';
import { NoAnswer } from './http-client.ts';
import { portOf } from './proxy-choice.ts';

/** Not imported by name: that would load the client behind `fetch` too, 5 MB. */
const { request: plainRequest } = process.getBuiltinModule('node:http');
const { Agent, request: secureRequest } = process.getBuiltinModule('node:https');

/** How a proxy that speaks TLS itself is judged. */
export interface TlsOfProxy {
  readonly secureContext: SecureContext;
  readonly rejectUnauthorized: boolean;
}

export interface ProxyWay {
  readonly url: URL;
  /** What the proxy alone is told: its credentials, `proxy_connect_header`. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly lookup: LookupFunction;
  readonly tls: TlsOfProxy;
}

/** What a request hands to its agent: a tunnel that is being opened ends with the request that wanted it. */
export interface TunnelRequestOptions extends RequestOptions {
  readonly tunnelSignal?: AbortSignal;
}

type Opened = (error: Error | null, stream: Duplex) => void;

/** TLS connections through the CONNECT of a proxy. */
export class TunnelAgent extends Agent {
  readonly #proxy: ProxyWay;

  constructor(options: AgentOptions, proxy: ProxyWay) {
    super(options);
    this.#proxy = proxy;
  }

  override createConnection(options: TunnelRequestOptions, callback?: Opened): Duplex | null | undefined {
    const { url, headers, lookup, tls } = this.#proxy;
    const host = options.host ?? '';
    const target = `${host.includes(':') ? `[${host}]` : host}:${options.port ?? 443}`;
    const connect = (url.protocol === 'https:' ? secureRequest : plainRequest)({
      method: 'CONNECT',
      host: hostNameOf(url),
      port: portOf(url),
      path: target,
      headers: { host: target, ...headers } as Record<string, string | string[]>,
      agent: false,
      ...(url.protocol === 'https:' ? tls : {}),
      lookup,
      ...(options.tunnelSignal ? { signal: options.tunnelSignal } : {}),
    });
    const fail = (error: Error): void => callback?.(error, undefined as unknown as Duplex);
    const failAtProxy = (error: Error): void => {
      fail(noAnswerOf(error, `the proxy ${url.host}`, options.tunnelSignal ?? null));
    };
    connect.once('connect', (response, socket) => {
      connect.off('error', failAtProxy);
      if (response.statusCode === 200) {
        // The agent of HTTPS speaks TLS over a socket that it is given.
        callback?.(null, super.createConnection({ ...options, socket } as RequestOptions) as Duplex);
        return;
      }
      socket.destroy();
      const answer = `the proxy ${url.host} refused the way to ${target}: HTTP ${response.statusCode}`;
      fail(new NoAnswer('connection', answer));
    });
    connect.once('error', failAtProxy);
    connect.end();
    return undefined;
  }
}
