/** Only the fields that are not empty, for receivers to which an empty one says something else than none. */
export function writtenTexts(texts: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(texts).filter(([, value]) => value !== ''));
}
