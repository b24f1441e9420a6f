const ESCAPE = 0x1b;
/** `CSI ? 25 ; 1049 h` and `… l` (DECSET, DECRST), `CSI > 1 u` and `CSI < u` (a way to tell keys apart), `ESC =` and `ESC >`. */
// oxlint-disable-next-line no-control-regex
const SEQUENCES = /\x1b(?:\[\?(?<modes>[\d;]{1,32})(?<set>[hl])|\[(?<keys>[<>])[\d;]{0,8}u|(?<keypad>[=>]))/g;
/** The longest of them that can be cut in two. */
const MAX_SEQUENCE_BYTES = 48;

/** Modes that a shell expects to be off: cursor keys, mouse, focus, paste, the alternate screen, held-back output. */
const OFF_FOR_SHELLS: ReadonlySet<number> = new Set([
  1, 9, 47, 66, 1000, 1002, 1003, 1004, 1005, 1006, 1015, 1016, 1047, 1049, 2004, 2026,
]);
/** Modes that it expects to be on: lines wrap, the cursor shows. */
const ON_FOR_SHELLS: ReadonlySet<number> = new Set([7, 25]);

/**
 * What the output of a program has set of a terminal and not taken back: who is killed can't, and the shell that follows
 * would be without a cursor, or on a screen that is not its own.
 */
export class TerminalModes {
  /** In the order in which they were set. */
  readonly #left = new Set<number>();
  #pushedKeys = 0;
  #isKeypadSet = false;
  #tail = '';

  /** Output that the terminal gets, in its order. */
  see(chunk: Buffer): void {
    if (this.#tail === '' && !chunk.includes(ESCAPE)) return;
    const text = this.#tail + chunk.toString('latin1');
    let end = 0;
    for (const match of text.matchAll(SEQUENCES)) {
      end = match.index + match[0].length;
      this.#take(match.groups ?? {});
    }
    const begun = text.lastIndexOf('\x1b');
    const isCut = begun >= end && text.length - begun <= MAX_SEQUENCE_BYTES;
    this.#tail = isCut ? text.slice(begun) : '';
  }

  /** What takes it back, empty where nothing is left. */
  get reset(): string {
    const modes = [...this.#left].toReversed();
    return (
      (this.#pushedKeys > 0 ? `\x1b[<${this.#pushedKeys}u` : '') +
      modes.map((mode) => `\x1b[?${mode}${ON_FOR_SHELLS.has(mode) ? 'h' : 'l'}`).join('') +
      (this.#isKeypadSet ? '\x1b>' : '')
    );
  }

  #take({ modes, set, keys, keypad }: Readonly<Record<string, string | undefined>>): void {
    if (keys !== undefined) this.#pushedKeys = Math.max(0, this.#pushedKeys + (keys === '>' ? 1 : -1));
    if (keypad !== undefined) this.#isKeypadSet = keypad === '=';
    for (const mode of modes?.split(';').map(Number) ?? []) {
      const isLeft = set === 'h' ? OFF_FOR_SHELLS.has(mode) : ON_FOR_SHELLS.has(mode);
      if (isLeft) this.#left.add(mode);
      else this.#left.delete(mode);
    }
  }
}
