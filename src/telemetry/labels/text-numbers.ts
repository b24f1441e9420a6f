/** From so many texts on they are divided: a table of a million is moved for a tenth of a second when it grows. */
const DIVIDED_TEXTS = 16_384;
const PARTS = 64;

/** Numbers by text. One map while there are few texts, many maps from then on. */
export class TextNumbers {
  #parts: readonly Map<string, number>[] = [new Map()];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(text: string): number | undefined {
    return this.#partOf(text)?.get(text);
  }

  /** Adds a text that is not there. */
  add(text: string, number: number): void {
    if (this.#size === DIVIDED_TEXTS && this.#parts.length === 1) this.#divide();
    this.#partOf(text)?.set(text, number);
    this.#size++;
  }

  delete(text: string): void {
    if (this.#partOf(text)?.delete(text)) this.#size--;
    if (this.#size === 0 && this.#parts.length > 1) this.#parts = [new Map()];
  }

  /** May be walked in slices: what is there all the time is shown, what comes meanwhile may be. */
  *entries(): IterableIterator<readonly [text: string, number: number]> {
    for (const part of this.#parts) yield* part;
  }

  #partOf(text: string): Map<string, number> | undefined {
    return this.#parts.length === 1 ? this.#parts[0] : this.#parts[partOf(text)];
  }

  #divide(): void {
    const divided = Array.from({ length: PARTS }, () => new Map<string, number>());
    for (const [text, number] of this.entries()) divided[partOf(text)]?.set(text, number);
    this.#parts = divided;
  }
}

/** Of a label's many values the length and the last letters differ most. */
function partOf(text: string): number {
  const { length } = text;
  let hash = length;
  for (let at = Math.max(0, length - 4); at < length; at++) hash = Math.imul(hash, 31) + text.charCodeAt(at);
  hash = Math.imul(hash, 31) + text.charCodeAt(length >>> 1);
  return Math.imul(hash, 0x9e3779b1) >>> 26;
}
