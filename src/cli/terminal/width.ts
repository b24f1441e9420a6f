/** Characters that take two cells of a terminal: East Asian wide ones and pictures. */
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/gu;
/** Those that take none: they are drawn onto the one before. */
const NONE = /\p{Mn}|\p{Me}|\u200b|\u200d|[\ufe00-\ufe0f]/gu;
const ASCII = /^[\x20-\x7e]*$/;

/** How many cells of a terminal a text of one line takes. */
export function widthOf(text: string): number {
  if (ASCII.test(text)) return text.length;
  return Array.from(text).length - (text.match(NONE)?.length ?? 0) + (text.match(WIDE)?.length ?? 0);
}

/** A text that takes at most so many cells; what is cut off ends with `…`. */
export function shortened(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let short = '';
  let cells = 0;
  for (const character of text) {
    cells += widthOf(character);
    if (cells > width - 1) break;
    short += character;
  }
  return `${short}…`;
}
