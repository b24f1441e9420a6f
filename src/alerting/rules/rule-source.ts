import { OmoiError, type DocumentProblem, type TextRange } from '#telemetry';
import { z } from 'zod';
import { parseRuleFile, type CheckExpression, type RuleFile, type RuleText } from './rule-file.ts';

/** The group that a rule which is written alone is to stand in. */
export interface SurroundingGroup {
  readonly name: string;
  /** Null: the server's default. */
  readonly intervalMs: number | null;
}

export type ReadRuleSource =
  | { readonly file: RuleFile; readonly problems: null }
  /** Lines and columns of the source, from 1. */
  | { readonly file: null; readonly problems: readonly DocumentProblem[] };

const problemsOfError = z.object({
  problems: z.array(z.object({ line: z.number(), column: z.number(), message: z.string() })),
});

/** Spaces before each line of a rule, where it is the only one of a file. */
const INDENT = 4;

/** Reads the YAML of one rule as it would be read in its file. What is not exactly one rule is a problem. */
export function readRuleSource(
  source: string,
  group: SurroundingGroup,
  checkExpression: CheckExpression,
): ReadRuleSource {
  if (source.trim() === '')
    return {
      file: null,
      problems: [{ line: 1, column: 1, message: 'write a rule: alert or record, and expr' }],
    };
  const interval = group.intervalMs === null ? [] : [`  interval: ${group.intervalMs}ms`];
  const head = ['groups:', `- name: ${JSON.stringify(group.name)}`, ...interval, '  rules:'];
  const item = indented(source.trim(), INDENT);
  try {
    const text = `${[...head, `  - ${item}`].join('\n')}\n`;
    const file = parseRuleFile({ name: 'rule', text }, checkExpression);
    const count = file.groups.reduce((sum, { rules }) => sum + rules.length, 0);
    if (count === 1) return { file, problems: null };
    return { file: null, problems: [{ line: 1, column: 1, message: 'write exactly one rule' }] };
  } catch (thrown) {
    const found = thrown instanceof OmoiError ? problemsOfError.safeParse(thrown.details) : null;
    if (!found?.success) throw thrown;
    return { file: null, problems: found.data.problems.map((one) => placed(one, head.length)) };
  }
}

/** As it stands in the source alone. */
function placed({ line, column, message }: DocumentProblem, linesBefore: number): DocumentProblem {
  return {
    line: Math.max(1, line - linesBefore),
    column: Math.max(1, column - INDENT),
    message: message
      .replaceAll(/"groups\.0\.rules\.0\.?([^"]*)"/g, (_whole, path: string) =>
        path === '' ? 'the rule' : `"${path}"`,
      )
      .replace(/group "(?:[^"\\]|\\.)*", rule 1, "(?:[^"\\]|\\.)*": /, ''),
  };
}

/** The YAML of a rule as it stands in its file, without what it is indented by. */
export function sourceOfRule(text: string, { from, to, column }: TextRange): string {
  const before = new RegExp(`\\n {0,${column - 1}}`, 'g');
  return `${text.slice(from, to).replaceAll('\r\n', '\n').replaceAll(before, '\n').trimEnd()}\n`;
}

/**
 * The text of a file with another rule in the place of one, everything else as it is.
 * @throws OmoiError `rule_not_writable` where it can't be replaced alone; `rule_file_invalid` where the file is broken then
 */
export function withRuleReplaced(
  before: { readonly name: string; readonly text: string },
  place: TextRange,
  source: string,
): string {
  const { name, text } = before;
  const old = text.slice(place.from, place.to);
  const lines = indented(source.trim(), place.column - 1);
  const written = `${lines}${/\s*$/.exec(old)?.[0] ?? ''}`;
  const next = `${text.slice(0, place.from)}${text.includes('\r\n') ? written.replaceAll(/\r?\n/g, '\r\n') : written}${text.slice(place.to)}`;
  const unchecked = (): void => undefined;
  const rest = othersOf(parseRuleFile(before, unchecked), place.from);
  const restAfter = othersOf(parseRuleFile({ name, text: next }, unchecked), place.from);
  if (JSON.stringify(rest) === JSON.stringify(restAfter)) return next;
  throw new OmoiError(
    'rule_not_writable',
    `${name}: the rule can’t be replaced alone: it is written in braces, shares anchors with others, or what was written is more than one rule; edit the file`,
  );
}

/** All rules but the one that begins there, and where that stands among them. */
function othersOf({ groups }: RuleFile, from: number): readonly unknown[] {
  return groups.map(({ place: _place, rules, ...group }) => ({
    ...group,
    rules: rules.map((rule) => (rule.place.from === from ? 'the rule' : withoutPlace(rule))),
  }));
}

function withoutPlace({ place: _place, ...rule }: RuleText): Omit<RuleText, 'place'> {
  return rule;
}

function indented(source: string, by: number): string {
  return source.replaceAll(/\r?\n(?=[^\r\n])/g, `\n${' '.repeat(by)}`);
}
