/** The end of what one stream of a process has put out. */
export interface OutputText {
  readonly text: string;
  /** Whether something before it is left out. */
  readonly skipped: boolean;
}

/** A page of more lines than this only makes the browser slow: what is older is in the log files. */
export const maxShownLines = 1_000;
/** A process may write megabytes without a line's end. */
const maxShownCharacters = 300_000;

export const NO_OUTPUT: OutputText = { text: '', skipped: false };

/** What was shown with what came since, without what is too old to be shown. */
export function appendOutput(shown: OutputText, piece: OutputText): OutputText {
  if (piece.text === '' && !piece.skipped) return shown;
  // What is left out between the two would be shown as if nothing was missing.
  const text =
    piece.skipped && shown.text !== '' ? `${shown.text}\n…\n${piece.text}` : shown.text + piece.text;
  const cut = lastLines(text.slice(-maxShownCharacters), maxShownLines);
  return {
    text: cut,
    skipped: shown.skipped || (piece.skipped && shown.text === '') || cut.length < text.length,
  };
}

export function countLines(text: string): number {
  if (text === '') return 0;
  const ended = text.endsWith('\n') ? 0 : 1;
  return text.split('\n').length - 1 + ended;
}

function lastLines(text: string, most: number): string {
  const lines = text.split('\n');
  // The place behind the last end of a line is no line.
  const extra = lines.length - most - (text.endsWith('\n') ? 1 : 0);
  return extra > 0 ? lines.slice(extra).join('\n') : text;
}

const ESC = '\u001b';
const BELL = '\u0007';

/** Sequences that a terminal obeys (ECMA-48: CSI, OSC, other strings, and the short ones) … */
const ESCAPES = new RegExp(
  [
    `${ESC}\\[[0-?]*[ -/]*[@-~]`,
    `${ESC}\\][^${BELL}${ESC}]*(?:${BELL}|${ESC}\\\\)?`,
    `${ESC}[PX^_][^${ESC}]*(?:${ESC}\\\\)?`,
    `${ESC}[ -/]*[0-~]`,
  ].join('|'),
  'g',
);
/** … and the other control characters but the tab and the end of a line. */
// oxlint-disable-next-line no-control-regex -- that is what is looked for
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

/** Output as text: without colours, and with a line that a terminal would overwrite as a line of its own. */
export function plainText(output: string): string {
  return output.replace(ESCAPES, '').replace(/\r\n?/g, '\n').replace(CONTROLS, '');
}
