/** A piece of a text that somebody wrote for people. */
export interface TextPart {
  readonly text: string;
  /** Whether it stood between backticks: a command, a key, an address. */
  readonly isCode: boolean;
}

/** A text by its parts; a backtick that closes nothing is one. */
export function textParts(text: string): readonly TextPart[] {
  return text
    .split(/(`[^`\s](?:[^`\n]*[^`\s])?`)/)
    .filter((part) => part !== '')
    .map((part) => {
      const isCode = part.length > 2 && part.startsWith('`') && part.endsWith('`');
      return { text: isCode ? part.slice(1, -1) : part, isCode };
    });
}
