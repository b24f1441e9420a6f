/**
 * What a regular expression asks for, where that can be told without running it. `literals` is an alternation of
 * plain strings; `prefix` is a plain string followed by `.*` or `.+` (anchored, and the dot matches newlines);
 * `general` has to be run, on values that start with `prefix`.
 */
export type RegexShape =
  | { readonly kind: 'literals'; readonly values: readonly string[] }
  | { readonly kind: 'prefix'; readonly prefix: string; readonly nonEmptyRest: boolean }
  | { readonly kind: 'general'; readonly prefix: string };

const META = new Set('\\.+*?()|[]{}^$');
const PUNCTUATION = /^[\\.+*?()|[\]{}^$/\-:]$/;

/** The shape of an RE2 expression that is anchored at both ends. Errs on the side of `general`. */
export function shapeOf(pattern: string): RegexShape {
  const alternatives = splitAlternatives(pattern);
  if (alternatives) return { kind: 'literals', values: alternatives };
  const { text, rest } = leadingLiteral(pattern);
  if (rest === '.*' || rest === '.+') return { kind: 'prefix', prefix: text, nonEmptyRest: rest === '.+' };
  return { kind: 'general', prefix: pattern.includes('|') ? '' : withoutRepeated(text, rest) };
}

/** The alternatives of `a|b|c`, perhaps in one pair of parentheses, or null where one of them is no plain string. */
function splitAlternatives(pattern: string): string[] | null {
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

/** The plain characters that a pattern starts with, unescaped, and what follows them. */
function leadingLiteral(pattern: string): { text: string; rest: string } {
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

/** A repetition binds to the last character (`ab*`), which may be two code units, and is then no sure prefix. */
function withoutRepeated(text: string, rest: string): string {
  if (!/^[*+?{]/.test(rest)) return text;
  return text.replace(/.$/su, '');
}
