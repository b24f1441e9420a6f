/** Longer texts are rarely sent again. */
const maxKnownBytes = 48;
const places = 4096;

/**
 * Short texts by their bytes: keys of attributes and values of few kinds come again and again, and a text that is here
 * already costs no memory, and nothing to become the name of a property. A newer text takes the place of an older one
 * with the same hash, so that there is nothing to bound or to forget.
 */
export class KnownTexts {
  readonly #texts: string[] = Array.from({ length: places }, () => '');
  readonly #lengths = new Uint8Array(places);
  readonly #bytes = new Uint8Array(places * maxKnownBytes);

  /** The text of the bytes [start, end), where it is short and plain ASCII; null where it is not. */
  read(bytes: Buffer, start: number, end: number): string | null {
    const length = end - start;
    if (length > maxKnownBytes) return null;
    let hash = length;
    for (let at = start; at < end; at++) {
      const byte = bytes[at] ?? 128;
      if (byte > 127) return null;
      hash = Math.imul(hash ^ byte, 0x01000193);
    }
    const place = (hash ^ (hash >>> 15)) & (places - 1);
    if (this.#isAt(place, bytes, start, end)) return this.#texts[place] ?? '';
    const text = bytes.toString('latin1', start, end);
    this.#texts[place] = text;
    this.#lengths[place] = length;
    const shift = place * maxKnownBytes - start;
    for (let at = start; at < end; at++) this.#bytes[at + shift] = bytes[at] ?? 0;
    return text;
  }

  #isAt(place: number, bytes: Buffer, start: number, end: number): boolean {
    if (this.#lengths[place] !== end - start) return false;
    const shift = place * maxKnownBytes - start;
    for (let at = start; at < end; at++) if (this.#bytes[at + shift] !== bytes[at]) return false;
    return true;
  }
}
