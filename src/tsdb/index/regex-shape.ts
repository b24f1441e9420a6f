import { leadingLiteral, literalAlternatives, surePrefix } from '#telemetry';

/**
 * What a regular expression asks for, where that can be told without running it. `literals` is an alternation of
 * plain strings; `prefix` is a plain string followed by `.*` or `.+` (anchored, and the dot matches newlines);
 * `general` has to be run, on values that start with `prefix`.
 */
export type RegexShape =
  | { readonly kind: 'literals'; readonly values: readonly string[] }
  | { readonly kind: 'prefix'; readonly prefix: string; readonly nonEmptyRest: boolean }
  | { readonly kind: 'general'; readonly prefix: string };

/** The shape of an RE2 expression that is anchored at both ends. Errs on the side of `general`. */
export function shapeOf(pattern: string): RegexShape {
  const alternatives = literalAlternatives(pattern);
  if (alternatives) return { kind: 'literals', values: alternatives };
  const { text, rest } = leadingLiteral(pattern);
  if (rest === '.*' || rest === '.+') return { kind: 'prefix', prefix: text, nonEmptyRest: rest === '.+' };
  return { kind: 'general', prefix: surePrefix(pattern) };
}
