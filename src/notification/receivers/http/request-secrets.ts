/** Shorter parts of an address are words, not secrets. */
const minPathPartLength = 6;
/** What is shorter cannot be told from the text around it. */
const minSecretLength = 3;

/** A part of an address as it is meant; as it stands where its escapes are broken. */
export function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function partsOf(url: URL): readonly string[] {
  const segments = url.pathname.split('/').filter((part) => part.length >= minPathPartLength);
  // As they stand there and as they are meant: receivers repeat the one or the other.
  const raw = url.search
    .slice(1)
    .split('&')
    .map((pair) => pair.slice(pair.indexOf('=') + 1));
  const values = [...raw, ...url.searchParams.values()].filter((value) => value.length >= minPathPartLength);
  const tail = `${url.pathname}${url.search}`;
  return [
    url.password,
    decoded(url.password),
    ...(tail.length >= minPathPartLength ? [tail] : []),
    ...(url.pathname.length >= minPathPartLength ? [url.pathname] : []),
    ...segments,
    ...segments.map(decoded),
    ...values,
  ];
}

/** What a request holds that no text may repeat: receivers answer with the address, or the header, that they were sent. */
export class RequestSecrets {
  readonly #secrets = new Set<string>();

  add(secret: string): void {
    const trimmed = secret.trim();
    if (trimmed.length >= minSecretLength) this.#secrets.add(trimmed);
  }

  /** Webhook addresses are secrets beyond their host. */
  addAddress(url: URL): void {
    for (const part of partsOf(url)) this.add(part);
  }

  /** The text with `<secret>` in the place of each. */
  readonly withoutSecrets = (text: string): string => {
    let shown = text;
    const longestFirst = [...this.#secrets].sort((left, right) => right.length - left.length);
    for (const secret of longestFirst) shown = shown.replaceAll(secret, '<secret>');
    return shown;
  };
}
