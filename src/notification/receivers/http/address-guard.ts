import { BlockList, isIP } from 'node:net';

import { NoAnswer } from './http-client.ts';

/**
 * Where no receiver is, but what a machine tells of itself and of its credentials to whoever asks from it: link-local addresses,
 * and those of the clouds' metadata services (AWS and most others 169.254.169.254 and fd00:ec2::/32, Google fd20:ce::254, Alibaba
 * 100.100.100.200, Oracle 192.0.0.192, Azure 168.63.129.16). Unspecified addresses lead to the machine itself by another name.
 */
const BLOCKED_NETWORKS: readonly (readonly [network: string, prefix: number])[] = [
  ['0.0.0.0', 8],
  ['169.254.0.0', 16],
  ['100.100.100.200', 32],
  ['192.0.0.192', 32],
  ['168.63.129.16', 32],
  ['::', 128],
  ['fe80::', 10],
  ['fd00:ec2::', 32],
  ['fd20:ce::254', 128],
];

/** Names of metadata services, for requests whose names a proxy resolves. */
const METADATA_NAMES = new Set([
  'metadata',
  'metadata.google.internal',
  'metadata.goog',
  'metadata.azure.internal',
  'instance-data',
  'instance-data.ec2.internal',
]);

const BLOCKED = new BlockList();
for (const [network, prefix] of BLOCKED_NETWORKS) BLOCKED.addSubnet(network, prefix, familyOf(network));

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 4 ? 'ipv4' : 'ipv6';
}

/** An IPv6 address as its eight words; its zone is left out. */
function wordsOfIpv6(address: string): readonly number[] {
  const [withoutZone = ''] = address.split('%');
  // The URL parser writes what ends like an IPv4 address in words, too.
  const { hostname } = new URL(`http://[${withoutZone}]/`);
  const [head = '', tail] = hostname.slice(1, -1).split('::');
  const parse = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((word) => Number.parseInt(word, 16));
  const first = parse(head);
  if (tail === undefined) return first;
  const last = parse(tail);
  return [...first, ...Array.from({ length: 8 - first.length - last.length }, () => 0), ...last];
}

/** The IPv4 address to which an IPv6 one leads: mapped, translated (NAT64), compatible or by 6to4; null where there is none. */
function ipv4Within(address: string): string | null {
  const words = wordsOfIpv6(address);
  const dotted = (high = 0, low = 0): string => [high >> 8, high & 255, low >> 8, low & 255].join('.');
  if (words[0] === 0x2002) return dotted(words[1], words[2]);
  const prefix = words
    .slice(0, 6)
    .map((word) => word.toString(16))
    .join(':');
  const leads =
    ['0:0:0:0:0:ffff', '0:0:0:0:ffff:0', '64:ff9b:0:0:0:0'].includes(prefix) ||
    prefix.startsWith('64:ff9b:1:') ||
    (prefix === '0:0:0:0:0:0' && words[6] !== 0);
  return leads ? dotted(words[6], words[7]) : null;
}

/** A URL's host as addresses are written: without the brackets of IPv6, in lower case, without the root's dot. */
export function hostNameOf(url: URL): string {
  return url.hostname
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
    .toLowerCase();
}

/** Says which addresses may be called. Loopback and private networks may: people run receivers there. */
export class AddressGuard {
  readonly #allowedNames: ReadonlySet<string>;
  readonly #allowedNetworks = new BlockList();

  /** @param allowed host names, addresses and networks (CIDR) that may be called all the same */
  constructor(allowed: readonly string[]) {
    const names = new Set<string>();
    for (const entry of allowed) {
      const [address = '', prefix] = entry.split('/');
      if (isIP(address) === 0) names.add(entry.toLowerCase());
      else if (prefix === undefined) this.#allowedNetworks.addAddress(address, familyOf(address));
      else this.#allowedNetworks.addSubnet(address, Number(prefix), familyOf(address));
    }
    this.#allowedNames = names;
  }

  /** @throws NoAnswer `blocked` where `host` leads to an address that may not be called */
  check(host: string, address: string): void {
    if (!this.#isBlocked(host, address)) return;
    const led = host === address ? host : `${host} (${address})`;
    throw new NoAnswer(
      'blocked',
      `${led} is not called: link-local, metadata and unspecified addresses are blocked; allow it by x-omoi.allowed_addresses`,
    );
  }

  /** For a host that may be an address itself, which is not looked up. @throws NoAnswer `blocked` */
  checkLiteral(host: string): void {
    if (isIP(host) !== 0) this.check(host, host);
  }

  /** For a host that a proxy resolves. @throws NoAnswer `blocked` */
  checkName(host: string): void {
    this.checkLiteral(host);
    if (METADATA_NAMES.has(host) && !this.#allowedNames.has(host)) {
      throw new NoAnswer(
        'blocked',
        `${host} is not called: metadata services are blocked; allow it by x-omoi.allowed_addresses`,
      );
    }
  }

  #isBlocked(host: string, address: string): boolean {
    const family = isIP(address);
    if (family === 0) throw new NoAnswer('blocked', `${host} leads to "${address}", which is no address`);
    const [bare = address] = address.split('%');
    const within = family === 6 ? ipv4Within(address) : null;
    const blocked = BLOCKED.check(bare, familyOf(bare)) || (within !== null && BLOCKED.check(within, 'ipv4'));
    return blocked && !this.#allowedNames.has(host) && !this.#allowedNetworks.check(bare, familyOf(bare));
  }
}
