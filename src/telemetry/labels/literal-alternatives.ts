const META = new Set('\\.+*?()|[]{}^$');
const PUNCTUATION = /^[\\.+*?()|[\]{}^$/\-:]$/;

/** The alternatives of `a|b|c`, perhaps in one pair of parentheses, or null where one of them is no plain string. */
export function literalAlternatives(pattern: string): string[] | null {
  const grouped = /^\((?:\?:)?([^()]*)\)$/.exec(pattern);
  const body = grouped && !grouped[1]?.endsWith('\\') ? (grouped[1] ?? '') : pattern;
  const values: string[] = [];
  let rest = body;
  for (;;) {
    const literal = leadingLiteral(rest);
    if (literal.rest === '') {
      values.push(literal.text);
      return values;
    }
    if (!literal.rest.startsWith('|')) return null;
    values.push(literal.text);
    rest = literal.rest.slice(1);
  }
}

/** A text with which everything begins that a pattern accepts, anchored at both ends; '' where that can't be told. */
export function surePrefix(pattern: string): string {
  if (pattern.includes('|')) return '';
  const { text, rest } = leadingLiteral(pattern);
  // A repetition binds to the last character (`ab*`), which may be two code units.
  return /^[*+?{]/.test(rest) ? text.replace(/.$/su, '') : text;
}

/** The plain characters that a pattern starts with, unescaped, and what follows them. */
export function leadingLiteral(pattern: string): { text: string; rest: string } {
  let text = '';
  let at = 0;
  while (at < pattern.length) {
    const character = pattern.charAt(at);
    if (character === '\\') {
      const escaped = pattern.charAt(at + 1);
      if (!PUNCTUATION.test(escaped)) break;
      text += escaped;
      at += 2;
    } else if (META.has(character)) {
      break;
    } else {
      text += character;
      at++;
    }
  }
  return { text, rest: pattern.slice(at) };
}
