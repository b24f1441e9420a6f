import { METRIC_NAME_LABEL, createMatcher, messageOf, type MatchOperator, type Matcher } from '#telemetry';
import type { VectorSelector } from './ast.ts';
import { unquote } from './text-literals.ts';
import { LABEL_MATCHING, type TokenReader } from './token-reader.ts';

/** Reads a selector; the current token is its metric name or its left brace. */
export function readSelector(reader: TokenReader): VectorSelector {
  const start = reader.current.start;
  const name = reader.current.kind === 'word' ? reader.advance().text : '';
  const matchers = reader.at('{') ? readBraces(reader) : [];
  if (name !== '') matchers.push(createMatcher(METRIC_NAME_LABEL, '=', name));
  return {
    kind: 'vector_selector',
    name,
    matchers,
    offsetMs: 0,
    offset: null,
    at: null,
    boundary: null,
    position: { start, end: reader.previousEnd },
  };
}

function readBraces(reader: TokenReader): Matcher[] {
  reader.advance();
  const matchers: Matcher[] = [];
  while (!reader.at('}')) {
    matchers.push(readMatcher(reader));
    if (reader.skip(',')) continue;
    if (!reader.at('}')) reader.unexpected(LABEL_MATCHING, '"," or "}"');
  }
  reader.advance();
  return matchers;
}

function readMatcher(reader: TokenReader): Matcher {
  const nameToken = reader.current;
  if (nameToken.kind !== 'word' && nameToken.kind !== 'string') {
    reader.unexpected(LABEL_MATCHING, 'identifier or "}"');
  }
  reader.advance();
  const isQuoted = nameToken.kind === 'string';
  const name = isQuoted ? unquote(nameToken.text) : nameToken.text;
  const operator = asMatchOperator(reader.current.text);
  if (reader.kind() !== 'operator' || operator === null) {
    if (isQuoted && (reader.at(',') || reader.at('}'))) return createMatcher(METRIC_NAME_LABEL, '=', name);
    reader.unexpected(LABEL_MATCHING, isQuoted ? '' : 'label matching operator');
  }
  reader.advance();
  if (reader.kind() !== 'string') reader.unexpected(LABEL_MATCHING, 'string');
  const value = unquote(reader.advance().text);
  try {
    reader.spendRegex({ operator, value });
    return createMatcher(name, operator, value);
  } catch (error) {
    return reader.fail(nameToken.start, messageOf(error));
  }
}

function asMatchOperator(text: string): MatchOperator | null {
  return text === '=' || text === '!=' || text === '=~' || text === '!~' ? text : null;
}
