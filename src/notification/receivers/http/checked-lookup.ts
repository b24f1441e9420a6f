import { lookup } from 'node:dns/promises';
import type { LookupFunction } from 'node:net';

import { AddressGuard } from './address-guard.ts';

export interface ResolvedAddress {
  readonly address: string;
  readonly family: number;
}

/** Which addresses may be connected to, and how names are resolved to them: one for all that a configuration sends to. */
export interface CheckedNetwork {
  readonly guard: AddressGuard;
  readonly lookup: LookupFunction;
}

/** The addresses of a name, at least one. @throws with a `code` such as `ENOTFOUND` */
export type ResolveHost = (host: string) => Promise<readonly ResolvedAddress[]>;

/** As the machine resolves names. */
function resolveBySystem(host: string): Promise<readonly ResolvedAddress[]> {
  return lookup(host, { all: true });
}

/** @param allowed hosts, addresses and networks that may be called although they are link-local or metadata addresses */
export function createCheckedNetwork(
  allowed: readonly string[],
  resolve: ResolveHost = resolveBySystem,
): CheckedNetwork {
  const guard = new AddressGuard(allowed);
  return { guard, lookup: checkedLookup(resolve, guard) };
}

/**
 * Questions of the same name that are asked while it is being looked up wait for the same answer: the system answers a few at a
 * time, and a name server that hangs would hold up those of all others.
 */
function sharedWhileAsked(resolve: ResolveHost): ResolveHost {
  const asked = new Map<string, Promise<readonly ResolvedAddress[]>>();
  return (host) => {
    const known = asked.get(host);
    if (known) return known;
    const answer = resolve(host).finally(() => asked.delete(host));
    asked.set(host, answer);
    return answer;
  };
}

/**
 * What connections resolve names with: an address is connected to only if it was checked here, so that no second answer of a name
 * server can lead elsewhere. One address that is blocked is enough to refuse the name.
 */
function checkedLookup(resolve: ResolveHost, guard: AddressGuard): LookupFunction {
  const resolveShared = sharedWhileAsked(resolve);
  const checked = async (host: string): Promise<readonly ResolvedAddress[]> => {
    const addresses = await resolveShared(host);
    for (const { address } of addresses) guard.check(host.toLowerCase().replace(/\.$/, ''), address);
    return addresses;
  };
  const answer = async (...[host, options, callback]: Parameters<LookupFunction>): Promise<void> => {
    let found: readonly ResolvedAddress[];
    try {
      found = await checked(host);
    } catch (error) {
      callback(error as NodeJS.ErrnoException, '');
      return;
    }
    const wanted = found.filter(({ family }) => !options.family || options.family === family);
    const [first] = wanted;
    if (!first) callback(Object.assign(new Error(`${host} has no address`), { code: 'ENOTFOUND' }), '');
    else if (options.all) callback(null, [...wanted]);
    else callback(null, first.address, first.family);
  };
  return (...question) => {
    void answer(...question);
  };
}
