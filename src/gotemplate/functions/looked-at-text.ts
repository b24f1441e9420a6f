/**
 * A text for a search of matches that knows how often it was looked at: each match may be looked for as far as the end, so that
 * the length of the text alone says little about what all of them take.
 */
export class LookedAtText {
  readonly #text: string;
  #count = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get length(): number {
    return this.#text.length;
  }

  /** RE2JS takes for a text what says that it is one. */
  get [Symbol.toStringTag](): string {
    return 'String';
  }

  charCodeAt(place: number): number {
    this.#count++;
    return this.#text.charCodeAt(place);
  }

  indexOf(searched: string, from: number): number {
    const place = this.#text.indexOf(searched, from);
    this.#count += ((place === -1 ? this.#text.length : place) - from) / CHARACTERS_AT_ONCE;
    return place;
  }

  substring(start: number, end: number): string {
    return this.#text.substring(start, end);
  }

  /** How many characters have been looked at since this was asked last. */
  takeCount(): number {
    const count = Math.ceil(this.#count);
    this.#count = 0;
    return count;
  }
}

/** A text is searched for a text as fast as so many characters are looked at one by one. */
const CHARACTERS_AT_ONCE = 16;
