export { queryLanguage } from './query-language.ts';
export { createEngine, type Engine, type EngineOptions } from './engine.ts';
export type { PreparedQuery, QuerySelector, QueryWork, RangeOptions } from './prepared-query.ts';
export type { SampleStatistics } from './evaluation/query-guard.ts';
export type { MatrixSeries, QueryResult, VectorElement } from './query-result.ts';
export type { Comparison } from './comparison.ts';
export { parseExpression, parseMatcher, parseSelector } from './syntax/parser.ts';
export { narrowedTo } from './narrowed.ts';
export { checkExpression } from './syntax/checker.ts';
export { formatExpression } from './syntax/formatter.ts';
export { prettyPrint } from './syntax/pretty-printer.ts';
export { expressionTree, type TreeNode } from './syntax/expression-tree.ts';
export { resultJson, sampleValueText } from './notation/result-json.ts';
export {
  ALL_FEATURES,
  NO_FEATURES,
  PROMQL_FEATURES,
  type PromqlFeature,
  type PromqlFeatures,
} from './syntax/features.ts';
export { languageFeatures } from './syntax/language-features.ts';
export type { Expression, ValueType } from './syntax/ast.ts';
export {
  openPoints,
  parseMetric,
  parsePoints,
  parseSeriesLine,
  type OpenedPoints,
  type NotedPoint,
  type NotedSeries,
} from './notation/series-notation.ts';
export { countsByIndex, StoredHints, withStoredHints } from './notation/stored-hints.ts';
export { histogramNotation } from './notation/histogram-notation.ts';
