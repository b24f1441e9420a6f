const MAX_POINT = 0x10ffff;

/** A text of a style without its escapes: `\75 rl` is `url`. */
export function decodeStyle(text: string): string {
  return text.replace(
    /\\(?:([0-9a-fA-F]{1,6})(?:\r\n|[ \t\n\f\r])?|(.|$))/gsu,
    (_escape: string, hex?: string, plain?: string) => {
      if (hex === undefined) return plain ?? '';
      const point = Number.parseInt(hex, 16);
      if (point <= MAX_POINT) return String.fromCodePoint(point).toWellFormed();
      // One digit less: six of them can say more than there are characters.
      return String.fromCodePoint(point >> 4).toWellFormed() + hex.slice(-1);
    },
  );
}
