const LENGTH = 16;

/** Fingerprints as a column holds them: one behind the other. */
export function joinFingerprints(fingerprints: ReadonlySet<string>): string {
  return [...fingerprints].join('');
}

export function splitFingerprints(text: string): ReadonlySet<string> {
  const fingerprints = new Set<string>();
  for (let at = 0; at < text.length; at += LENGTH) fingerprints.add(text.slice(at, at + LENGTH));
  return fingerprints;
}
