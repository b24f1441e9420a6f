const ADDRESS = String.raw`(?:"[^"<>\\\p{Cc}]+"|[^\s"<>()[\],;:@\\\p{Cc}]+)@[^\s"<>(),;@\\\p{Cc}]+`;
const NAME = String.raw`(?:"(?:[^"\\\p{Cc}]|\\[^\p{Cc}])*"|[^"<>()[\],;:@\\\p{Cc}]*)`;

/** `Ops <ops@example.org>` or `ops@example.org`, up to the comma behind it. */
const ENTRY = new RegExp(String.raw`[ \t]*(?:${NAME}[ \t]*<(${ADDRESS})>|(${ADDRESS}))[ \t]*(?:,|$)`, 'uy');
/** `Ops: a@example.org, b@example.org;` */
const GROUP = /^[^"<>@,:;\p{Cc}]*:(.*);[ \t]*$/u;

/** RFC 5321 gives 64 to the name and 255 to the domain. */
export const maxAddressLength = 320;

/**
 * The addresses of a list like `Ops <ops@example.org>, oncall@example.org`, without the names, each once.
 * @returns null where something in it is no address, or nothing is in it: a value of a label that was meant as one address cannot
 *   be read as another
 */
export function mailAddresses(list: string): readonly string[] | null {
  const text = GROUP.exec(list)?.[1] ?? list;
  const found = new Set<string>();
  ENTRY.lastIndex = 0;
  while (ENTRY.lastIndex < text.length) {
    const [, named, plain] = ENTRY.exec(text) ?? [];
    const address = named ?? plain;
    if (address === undefined || address.length > maxAddressLength) return null;
    found.add(address);
  }
  return found.size === 0 ? null : [...found];
}
