const EXPONENT = 'eE';

/** What a misspelt number is taken for, and where it ends. */
export interface NumberScan {
  readonly kind: 'number' | 'duration' | 'error';
  readonly end: number;
}

/**
 * How far Prometheus reads what begins like a number and is none, so that the error names the same text. What comes
 * out as a number or duration is refused when its value is read.
 */
export function scanMisspeltNumber(text: string, start: number): NumberScan {
  const scan = new Scan(text, start);
  if (scan.number()) return { kind: 'number', end: scan.at };
  return { kind: scan.duration() ? 'duration' : 'error', end: scan.at };
}

/** The steps of `scanNumber` and `acceptRemainingDuration` of Prometheus's lexer. */
class Scan {
  readonly #text: string;
  at: number;

  constructor(text: string, start: number) {
    this.#text = text;
    this.at = start;
  }

  #is(characters: string): boolean {
    return this.at < this.#text.length && characters.includes(this.#text.charAt(this.at));
  }

  #accept(characters: string): boolean {
    const accepted = this.#is(characters);
    if (accepted) this.at++;
    return accepted;
  }

  #atEnd(): boolean {
    return this.at >= this.#text.length;
  }

  #endsWord(): boolean {
    return !/[A-Za-z0-9_]/.test(this.#text.charAt(this.at));
  }

  number(): boolean {
    let digits = '0123456789';
    const isHexadecimal = this.#accept('0') && this.#accept('xX');
    if (isHexadecimal) {
      this.#accept('_');
      digits += 'abcdefABCDEF';
    }
    this.#accept('.');
    this.#accept(digits);
    let dots = 0;
    let exponents = 0;
    while (this.#is(`${digits}._${EXPONENT}`)) {
      if (this.#accept('.')) {
        if (++dots > 1 || this.#accept('_.') || isHexadecimal) return false;
      } else if (this.#accept(EXPONENT)) {
        if (++exponents > 1) return false;
        this.#accept('+-');
        if (this.#accept(`._${EXPONENT}`) || this.#atEnd()) return false;
      } else if (this.#accept('_')) {
        if (this.#accept(`._${EXPONENT}`) || this.#atEnd()) return false;
      } else {
        while (this.#accept(digits));
      }
    }
    return this.#endsWord();
  }

  duration(): boolean {
    if (!this.#accept('smhdwy')) return false;
    this.#accept('s');
    while (this.#accept('0123456789')) {
      while (this.#accept('0123456789'));
      if (!this.#accept('smhdw')) return false;
      this.#accept('s');
    }
    if (this.#endsWord()) return true;
    // What glues itself to the unit is named with it.
    this.at++;
    return false;
  }
}
