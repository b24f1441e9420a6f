import type { Expression } from './syntax/ast.ts';
import type { PromqlFeatures } from './syntax/features.ts';
import { parseQuery } from './syntax/parser.ts';

const MAX_QUERIES = 500;
/** Longer queries are parsed anew each time. */
const MAX_KEPT_LENGTH = 2000;

/** The trees of queries that were asked last: dashboards ask the same again and again. Nobody changes a tree. */
export class ParsedQueries {
  /** In order of use, the latest last. */
  readonly #expressions = new Map<string, Expression>();
  readonly #features: PromqlFeatures;

  constructor(features: PromqlFeatures) {
    this.#features = features;
  }

  /** @throws OmoiError `query_invalid`; `query_limit` where the text is too long */
  expressionOf(text: string): Expression {
    const known = this.#expressions.get(text);
    if (known) this.#expressions.delete(text);
    const expression = known ?? parseQuery(text, this.#features);
    if (text.length > MAX_KEPT_LENGTH) return expression;
    this.#expressions.set(text, expression);
    if (this.#expressions.size > MAX_QUERIES) {
      const [oldest] = this.#expressions.keys();
      if (oldest !== undefined) this.#expressions.delete(oldest);
    }
    return expression;
  }
}
