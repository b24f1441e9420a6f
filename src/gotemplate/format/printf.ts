import { assertTextFits } from '../limits.ts';
import { integerOf, typeName, type TemplateValue } from '../values/value.ts';
import { formatVerb, type Verb } from './format-verb.ts';
import { printed } from './print.ts';

/** Go's fmt.Sprintf. Mistakes show in the text, as Go does: `%!d(string=a)`, `%!s(MISSING)`. Offers pauses where it gets long. */
export function printf(
  format: string,
  args: readonly TemplateValue[],
  maxCharacters: number,
): Generator<void, string> {
  return new Printf(format, args, maxCharacters).run();
}

const FLAGS = new Set('+-# 0');

class Printf {
  readonly #format: string;
  readonly #args: readonly TemplateValue[];
  readonly #maxCharacters: number;
  #at = 0;
  /** The next argument's place. */
  #next = 0;
  /** Whether an argument was named by its place: then there are no surplus ones. */
  #reordered = false;
  #hasGoodPlace = true;
  #text = '';

  constructor(format: string, args: readonly TemplateValue[], maxCharacters: number) {
    this.#format = format;
    this.#args = args;
    this.#maxCharacters = maxCharacters;
  }

  *run(): Generator<void, string> {
    const format = this.#format;
    for (;;) {
      const percent = format.indexOf('%', this.#at);
      this.#write(format.slice(this.#at, percent === -1 ? undefined : percent));
      if (percent === -1) break;
      this.#at = percent + 1;
      this.#write(yield* this.#directive());
    }
    if (!this.#reordered && this.#next < this.#args.length) {
      const surplus = this.#args
        .slice(this.#next)
        .map((value) =>
          value === null ? '<nil>' : `${typeName(value)}=${printed(value, this.#maxCharacters)}`,
        );
      this.#write(`%!(EXTRA ${surplus.join(', ')})`);
    }
    return this.#text;
  }

  #write(text: string): void {
    assertTextFits(this.#text.length + text.length, this.#maxCharacters);
    this.#text += text;
  }

  *#directive(): Generator<void, string> {
    this.#hasGoodPlace = true;
    let flags = '';
    while (FLAGS.has(this.#format.charAt(this.#at))) flags += this.#format.charAt(this.#at++);
    this.#readPlace();
    let width = this.#readSize();
    let problems = '';
    if (width === 'bad') problems += '%!(BADWIDTH)';
    if (typeof width === 'number' && width < 0) {
      flags += '-';
      width = -width;
    }
    let precision: number | 'bad' | null = null;
    if (this.#format.charAt(this.#at) === '.') {
      this.#at++;
      this.#readPlace();
      precision = this.#readSize() ?? 0;
      if (precision === 'bad') problems += '%!(BADPREC)';
      else if (precision < 0) precision = null;
    }
    this.#readPlace();
    const letter = String.fromCodePoint(this.#format.codePointAt(this.#at) ?? 0);
    if (this.#at >= this.#format.length) return `${problems}%!(NOVERB)`;
    this.#at += letter.length;
    const verb = { letter, flags, width: sizeOf(width), precision: sizeOf(precision) };
    return problems + (yield* this.#argument(verb));
  }

  *#argument(verb: Verb): Generator<void, string> {
    if (verb.letter === '%') return '%';
    if (!this.#hasGoodPlace) return `%!${verb.letter}(BADINDEX)`;
    const value = this.#args[this.#next];
    if (value === undefined) return `%!${verb.letter}(MISSING)`;
    this.#next++;
    return yield* formatVerb(verb, value, this.#maxCharacters);
  }

  /** `[3]`: the place of the argument that comes next, from 1 on. */
  #readPlace(): void {
    if (this.#format.charAt(this.#at) !== '[') return;
    this.#reordered = true;
    const end = this.#format.indexOf(']', this.#at);
    const text = end === -1 ? '' : this.#format.slice(this.#at + 1, end);
    this.#at = end === -1 ? this.#at + 1 : end + 1;
    const place = /^\d+$/.test(text) ? Number(text) : 0;
    if (place >= 1 && place <= this.#args.length) this.#next = place - 1;
    else this.#hasGoodPlace = false;
  }

  /** A width or precision, also one that an argument gives (`*`). */
  #readSize(): number | 'bad' | null {
    if (this.#format.charAt(this.#at) === '*') {
      this.#at++;
      const given = integerOf(this.#args[this.#next++] ?? null);
      const size = Number(given ?? Number.NaN);
      return Math.abs(size) <= this.#maxCharacters ? size : 'bad';
    }
    const digits = /^\d+/.exec(this.#format.slice(this.#at, this.#at + 10))?.[0];
    if (digits === undefined) return null;
    this.#at += digits.length;
    assertTextFits(Number(digits), this.#maxCharacters);
    return Number(digits);
  }
}

function sizeOf(size: number | 'bad' | null): number | null {
  return size === 'bad' ? null : size;
}
