import { OmoiError } from '#telemetry';
import type { Expression } from './syntax/ast.ts';
import { parseExpression } from './syntax/parser.ts';

const MAX_QUERIES = 500;
/** Longer queries are parsed anew each time. */
const MAX_KEPT_LENGTH = 2000;
/** A query is read, checked and printed in one go: it must not be felt. */
const MAX_QUERY_LENGTH = 65_536;

/** The trees of queries that were asked last: dashboards ask the same again and again. Nobody changes a tree. */
export class ParsedQueries {
  /** In order of use, the latest last. */
  readonly #expressions = new Map<string, Expression>();

  /** @throws OmoiError `query_invalid`; `query_limit` where the text is too long */
  expressionOf(text: string): Expression {
    if (text.length > MAX_QUERY_LENGTH) {
      const message = `the query has ${text.length} characters: more than maxQueryLength (${MAX_QUERY_LENGTH})`;
      throw new OmoiError('query_limit', message, { limit: 'maxQueryLength', value: MAX_QUERY_LENGTH });
    }
    const known = this.#expressions.get(text);
    if (known) this.#expressions.delete(text);
    const expression = known ?? parseExpression(text);
    if (text.length > MAX_KEPT_LENGTH) return expression;
    this.#expressions.set(text, expression);
    if (this.#expressions.size > MAX_QUERIES) {
      const [oldest] = this.#expressions.keys();
      if (oldest !== undefined) this.#expressions.delete(oldest);
    }
    return expression;
  }
}
