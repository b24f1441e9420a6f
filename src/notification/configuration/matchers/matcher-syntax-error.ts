/** Matchers that can't be read; the message has the place, `column:column`, where the grammar gives one. */
export class MatcherSyntaxError extends Error {
  override readonly name = 'MatcherSyntaxError';
}
