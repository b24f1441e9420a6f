import { hostname } from 'node:os';
import type { Config } from './config/schema.ts';

const EVERY_ADDRESS: ReadonlySet<string> = new Set(['0.0.0.0', '[::]']);

/** Whether a host of the configuration is every address of this machine, in whatever way it is written. */
export function isEveryAddress(host: string): boolean {
  const url = `http://${host.includes(':') ? `[${host}]` : host}`;
  return URL.canParse(url) && EVERY_ADDRESS.has(new URL(url).hostname);
}

/**
 * Where people on other machines reach the server: as the configuration says, or by this machine's name where it listens
 * on every address; null where only its own address is known.
 * @param port the one that it listens on
 */
export function urlForOthers(
  { http, alerting }: Pick<Config, 'http' | 'alerting'>,
  port: number | string,
  machine?: string,
): string | null {
  if (alerting.external_url !== undefined) return alerting.external_url.replace(/\/+$/, '');
  return isEveryAddress(http.host) ? `http://${machine ?? hostname()}:${port}` : null;
}

/** The host names that a request may name beside loopback and the address on which it came. */
export function hostsAllowed({ host, allowed_hosts: listed }: Config['http'], machine = hostname()) {
  return isEveryAddress(host) ? [...listed, machine.toLowerCase()] : listed;
}
