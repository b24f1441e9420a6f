import { hostNameOf } from './address-guard.ts';
import { type HttpRequest, NoAnswer } from './http-client.ts';

/** As many as Go's client follows. */
export const maxRedirects = 10;

const MOVED = new Set([301, 302, 307, 308]);
const SEE_OTHER = 303;

export interface Target {
  readonly url: URL;
  readonly method: HttpRequest['method'];
  readonly hasBody: boolean;
  /** Whether the message has left the host that was meant, once and for all; or TLS. */
  readonly isElsewhere: boolean;
}

/** Whether the credentials for one address are meant for another: the same host, and no longer in the clear. */
function isElsewhere(from: URL, to: URL): boolean {
  const losesTls = from.protocol === 'https:' && to.protocol !== 'https:';
  return hostNameOf(from) !== hostNameOf(to) || losesTls;
}

/**
 * Where an answer sends the request on to; null where it does not. 301 and 302 keep method and body, as 307 and 308 do: an
 * address that has moved gets the message. (Browsers, and Alertmanager, turn them into a GET without it.) 303 asks for a GET.
 *
 * @throws NoAnswer `settings` where it leads to no address of the web
 */
export function redirected(target: Target, status: number, location: string | undefined): Target | null {
  if (location === undefined || (!MOVED.has(status) && status !== SEE_OTHER)) return null;
  const url = URL.parse(location, target.url.href);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new NoAnswer(
      'settings',
      `${target.url.host}: it leads on to what is no http address (HTTP ${status})`,
    );
  }
  const moved = { url, isElsewhere: target.isElsewhere || isElsewhere(target.url, url) };
  if (status === SEE_OTHER) return { ...moved, method: 'GET', hasBody: false };
  return { ...moved, method: target.method, hasBody: target.hasBody };
}
