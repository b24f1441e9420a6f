import { resultJson, sampleValueText } from './notation/result-json.ts';
import { ALL_FEATURES } from './syntax/features.ts';
import { expressionTree } from './syntax/expression-tree.ts';
import { formatExpression } from './syntax/formatter.ts';
import { parseQuery, parseSelector } from './syntax/parser.ts';
import { prettyPrint } from './syntax/pretty-printer.ts';

/** What the HTTP API needs of the language beside the engine: queries, selectors and answers as text. */
export const queryLanguage = {
  prettyPrint,
  expressionTree,
  resultJson,
  sampleValueText,
  selectorMatchers: (text: string) => parseSelector(text).matchers,
  formatQuery: (text: string) => formatExpression(parseQuery(text, ALL_FEATURES)),
};
