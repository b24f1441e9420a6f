import { FENCED, readPage } from '../../../src/documentation.test-support.ts';

/** What a page has its reader do: write a file, add to one, type commands of which the last one shows something. */
export type Instruction =
  | { readonly kind: 'write' | 'append'; readonly file: string; readonly text: string }
  | { readonly kind: 'type'; readonly commands: readonly string[]; readonly shows: readonly string[] };

/** The file that a block is to be written into is what the line before it names last. */
const FILE = /`([\w./-]+)`:$/;

/** Reads a page that takes its reader from one block to the next; text blocks are what the command before them shows. */
export function instructionsOf(page: string): readonly Instruction[] {
  const content = readPage(page);
  const instructions: Instruction[] = [];
  let end = 0;
  for (const match of content.matchAll(FENCED)) {
    const [block, language = '', text = ''] = match;
    const before = content.slice(end, match.index).trimEnd();
    end = match.index + block.length;
    const last = instructions.at(-1);
    if (language === 'text') {
      if (last?.kind !== 'type') throw new Error(`${page}: a text block stands behind no command:\n${text}`);
      instructions[instructions.length - 1] = { ...last, shows: linesIn(text) };
    } else if (language === '') {
      instructions.push({ kind: 'type', commands: linesIn(text), shows: [] });
    } else {
      const [, file] = FILE.exec(before) ?? [];
      if (file === undefined) throw new Error(`${page}: nothing says which file this is:\n${text}`);
      const sentence = before.slice(Math.max(before.lastIndexOf('. '), before.lastIndexOf('\n\n')));
      instructions.push({ kind: /append/i.test(sentence) ? 'append' : 'write', file, text });
    }
  }
  return instructions;
}

function linesIn(text: string): readonly string[] {
  return text.split('\n').filter((line) => line.trim() !== '');
}

/**
 * Whether an output shows what a page shows: each line somewhere in one of its own, cell by cell. Numbers and times differ, and who
 * has worked within the last seconds.
 */
export function isShown(shown: readonly string[], output: string): boolean {
  const lines = output.split('\n').map(timeless);
  return shown.every((line) => {
    const cells = line
      .trim()
      .split(/ {2,}/)
      .filter((cell) => !/^[\d.]+(?:ms|s|m|h)?$/.test(cell))
      .map(timeless);
    return lines.some((one) => cells.every((cell) => one.includes(cell)));
  });
}

function timeless(text: string): string {
  return text.replace(/\b(?:IDLE|RUNNING)\b/g, 'UP');
}
