import { REFUSED } from './refused.ts';

/** Whether an address is a relative one or of a scheme that does nothing by itself. */
function isHarmless(address: string): boolean {
  const colon = address.indexOf(':');
  if (colon === -1) return true;
  const scheme = address.slice(0, colon);
  return scheme.includes('/') || /^(?:https?|mailto)$/i.test(scheme);
}

/** The start of an address: `javascript:` and the like do not pass. */
export function filterAddress(address: string): string {
  return isHarmless(address) ? address : `#${REFUSED}`;
}

const percent = (characters: string): string =>
  [...Buffer.from(characters.toWellFormed())]
    .map((byte) => `%${byte.toString(16).padStart(2, '0')}`)
    .join('');

/** A part of an address that may have its marks; what is escaped already stays as it is. */
export function normalizeAddress(address: string): string {
  return address.replace(/%(?![0-9a-fA-F]{2})|[^\w\-.~!#$&*+,/:;=?@[\]%]/gu, percent);
}

/** For the query of an address. */
export function escapeInQuery(text: string): string {
  return text.replace(/[^\w\-.~]/gu, percent);
}

/** `srcset`: addresses, each with what it is for, between commas. */
export function filterAddresses(addresses: string): string {
  return addresses
    .split(',')
    .map((entry) => {
      const [, before = '', address = '', use = ''] =
        /^([ \t\n\f\r]*)([^ \t\n\f\r]*)(.*)$/s.exec(entry) ?? [];
      if (!isHarmless(address) || !/^[ \t\n\f\ra-zA-Z0-9]*$/.test(use)) return `#${REFUSED}`;
      return before + normalizeAddress(address) + use;
    })
    .join(',');
}

/** One address that is known to be harmless, in `srcset`. */
export function addressAmongAddresses(address: string): string {
  return normalizeAddress(address).replaceAll(',', '%2c');
}
