import {
  isMap,
  isPair,
  isScalar,
  isSeq,
  parseDocument,
  Scalar,
  type Document,
  type Pair,
  type YAMLMap,
} from 'yaml';
import { parseRuleFile } from '#alerting';
import { formatExpression, parseExpression, prettyPrint } from '#promql';
import { formatDuration, OmoiError, parseDuration } from '#telemetry';

/** Keys in the order in which they are written. */
const GROUP_KEYS = ['name', 'interval', 'query_offset', 'limit', 'labels', 'rules'];
const RULE_KEYS = ['record', 'alert', 'expr', 'for', 'keep_firing_for', 'labels', 'annotations'];
const DURATIONS: ReadonlySet<string> = new Set(['interval', 'query_offset', 'for', 'keep_firing_for']);

/**
 * A rule file in one form: keys in their usual order, one a line; expressions as `prettyPrint` has them, durations in their shortest
 * form. Comments and anchors stay. It means what it meant before.
 * @throws OmoiError `rule_file_invalid` where the file is broken, or would mean something else then
 */
export function formatRuleText(source: { readonly name: string; readonly text: string }): string {
  const { name, text } = source;
  const before = meaningOf(name, text);
  const document = parseDocument(text, { schema: 'failsafe', merge: true, logLevel: 'error' });
  if (document.errors.length > 0)
    throw new OmoiError(
      'rule_file_invalid',
      `${name}: it holds several documents; put what stands behind --- elsewhere`,
    );
  if (!isMap(document.contents)) return text;
  const groups = valueOf(document.contents, 'groups');
  for (const group of isSeq(groups) ? groups.items : []) {
    if (!isMap(group)) continue;
    formatMap(group, GROUP_KEYS);
    const rules = valueOf(group, 'rules');
    for (const rule of isSeq(rules) ? rules.items : []) if (isMap(rule)) formatRule(rule);
  }
  const formatted = written(document, text);
  if (meaningOf(name, formatted) === before) return formatted;
  throw new OmoiError(
    'rule_file_invalid',
    `${name}: it can’t be formatted without changing what it means; this is a fault of Omoi, please report it`,
  );
}

function written(document: Document, text: string): string {
  const formatted = document.toString({
    indent: 2,
    lineWidth: 0,
    singleQuote: true,
    doubleQuotedMinMultiLineLength: Number.MAX_SAFE_INTEGER,
  });
  return text.includes('\r\n') ? formatted.replaceAll('\n', '\r\n') : formatted;
}

/** What the server makes of a file, as a text. */
function meaningOf(name: string, text: string): string {
  const { groups } = parseRuleFile({ name, text }, (expr) => void parseExpression(expr));
  return JSON.stringify(
    groups.map(({ place: _group, rules, ...group }) => ({
      ...group,
      rules: rules.map(({ place: _rule, ...rule }) => ({
        ...rule,
        expr: formatExpression(parseExpression(rule.expr)),
      })),
    })),
  );
}

function formatRule(rule: YAMLMap): void {
  formatMap(rule, RULE_KEYS);
  for (const key of ['labels', 'annotations']) {
    const texts = valueOf(rule, key);
    if (isMap(texts) && texts.items.length > 0) texts.flow = false;
  }
  const expr = valueOf(rule, 'expr');
  if (!isScalar(expr) || typeof expr.value !== 'string') return;
  // Comments in it would be lost.
  if (expr.value.includes('#')) return;
  const pretty = prettyPrint(parseExpression(expr.value));
  expr.value = pretty;
  expr.type = pretty.includes('\n') ? Scalar.BLOCK_LITERAL : Scalar.PLAIN;
}

function formatMap(map: YAMLMap, order: readonly string[]): void {
  map.flow = false;
  for (const pair of map.items) formatDurationIn(pair);
  // What is merged (`<<`) gives way to what stands before it.
  if (map.items.some((pair) => placeIn(order, pair) < 0)) return;
  map.items.sort((one, other) => placeIn(order, one) - placeIn(order, other));
}

function placeIn(order: readonly string[], pair: Pair): number {
  return isScalar(pair.key) && typeof pair.key.value === 'string' ? order.indexOf(pair.key.value) : -1;
}

function formatDurationIn({ key, value }: Pair): void {
  if (!isScalar(key) || typeof key.value !== 'string' || !DURATIONS.has(key.value)) return;
  if (!isScalar(value) || typeof value.value !== 'string') return;
  const durationMs = parseDuration(value.value);
  if (durationMs === null) return;
  value.value = formatDuration(durationMs);
  value.type = Scalar.PLAIN;
}

function valueOf(map: YAMLMap, key: string): unknown {
  const found = map.items.find((pair) => isPair(pair) && isScalar(pair.key) && pair.key.value === key);
  return found?.value;
}
