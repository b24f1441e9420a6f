import { z } from 'zod';
import {
  formatLabels,
  messageOf,
  openStrictDocument,
  type DocumentSource,
  type Labels,
  type TextRange,
} from '#telemetry';
import { AlertTemplate } from './alert-template.ts';
import { duration, optional, texts, wholeNumber } from './written-values.ts';

/** A rule file as it is read. */
export type RuleFileText = Pick<DocumentSource, 'name' | 'text' | 'shipped' | 'unknownKeys'>;

/** A rule file as it is written, checked; durations in ms. */
export interface RuleFile {
  readonly name: string;
  readonly groups: readonly GroupText[];
  /** What promtool's linter would say: the rules run all the same. */
  readonly duplicates: readonly string[];
  /** What else is hardly meant. */
  readonly warnings: readonly string[];
  readonly shipped?: RuleFileText['shipped'];
}

type WrittenGroup = z.output<typeof groupSchema>;
type WrittenRule = z.output<typeof ruleSchema>;

export interface RuleText extends WrittenRule {
  readonly place: TextRange;
}

export interface GroupText extends Omit<WrittenGroup, 'rules'> {
  readonly place: TextRange;
  readonly rules: readonly RuleText[];
}

/** Parses an expression. @throws with the reason and the place in it */
export type CheckExpression = (expr: string) => void;

const ruleSchema = z.strictObject({
  record: optional(z.string(), ''),
  alert: optional(z.string(), ''),
  expr: optional(z.string(), ''),
  for: optional(duration, '0s'),
  keep_firing_for: optional(duration, '0s'),
  labels: optional(texts, {}),
  annotations: optional(texts, {}),
});

const groupSchema = z.strictObject({
  name: optional(z.string(), ''),
  interval: optional(duration, '0s'),
  query_offset: z.preprocess((value) => value ?? undefined, duration.optional()),
  limit: optional(wholeNumber, 0),
  labels: optional(texts, {}),
  rules: optional(z.array(ruleSchema), []),
});

const fileSchema = z.strictObject({ groups: optional(z.array(groupSchema), []) });

/**
 * Parses a Prometheus rule file as strictly as promtool does: what it refuses is refused here.
 * @throws OmoiError `rule_file_invalid`; each line of the message is `file:line:column: problem`
 */
export function parseRuleFile(source: RuleFileText, checkExpression: CheckExpression): RuleFile {
  const schema = fileSchema.superRefine(({ groups }, context) => {
    for (const problem of problemsOf(groups, checkExpression)) {
      context.addIssue({ code: 'custom', path: [...problem.path], message: problem.message });
    }
  });
  const document = openStrictDocument(
    { ...source, scalars: 'text', further: 'ignored' },
    schema,
    'rule_file_invalid',
  );
  const placeOf = (path: readonly PropertyKey[]): TextRange => document.rangeOf(path) ?? NOWHERE;
  const groups = document.accepted().groups.map((group, at): GroupText => ({
    ...group,
    place: placeOf(['groups', at]),
    rules: group.rules.map((rule, index) => ({ ...rule, place: placeOf(['groups', at, 'rules', index]) })),
  }));
  const { name, shipped } = source;
  return {
    name,
    groups,
    duplicates: duplicatesOf(groups),
    warnings: document.hasFurther
      ? ['only the first document is read: what stands behind --- counts for nothing']
      : [],
    ...(shipped && { shipped }),
  };
}

/** Of what no text stands for. */
const NOWHERE: TextRange = { line: 1, column: 1, from: 0, to: 0 };

interface Problem {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

function* problemsOf(groups: readonly WrittenGroup[], checkExpression: CheckExpression): Generator<Problem> {
  const names = new Set<string>();
  for (const [place, group] of groups.entries()) {
    const path = ['groups', place];
    if (group.name === '') yield { path, message: 'Groupname must not be empty' };
    if (names.has(group.name)) {
      yield {
        path: [...path, 'name'],
        message: `groupname: ${JSON.stringify(group.name)} is repeated in the same file`,
      };
    }
    names.add(group.name);
    yield* labelProblems(group.labels, [...path, 'labels']);
    for (const [index, rule] of group.rules.entries()) {
      const where = `group ${JSON.stringify(group.name)}, rule ${index + 1}, ${JSON.stringify(rule.alert || rule.record)}: `;
      for (const problem of ruleProblems(rule, checkExpression)) {
        yield { path: [...path, 'rules', index, ...problem.path], message: where + problem.message };
      }
    }
  }
}

function* ruleProblems(rule: WrittenRule, checkExpression: CheckExpression): Generator<Problem> {
  if (rule.record !== '' && rule.alert !== '') {
    yield { path: ['record'], message: "only one of 'record' and 'alert' must be set" };
  }
  if (rule.record === '' && rule.alert === '') {
    yield { path: [], message: "one of 'record' or 'alert' must be set" };
  }
  if (rule.expr === '') yield { path: ['expr'], message: "field 'expr' must be set in rule" };
  else {
    const reason = failureOf(() => checkExpression(rule.expr));
    if (reason !== null) yield { path: ['expr'], message: `could not parse expression: ${reason}` };
  }
  if (rule.record !== '') yield* recordingProblems(rule);
  yield* labelProblems(rule.labels, ['labels']);
  for (const name of Object.keys(rule.annotations)) {
    if (name === '') yield { path: ['annotations'], message: 'invalid annotation name: ""' };
  }
  if (rule.alert === '') return;
  yield* templateProblems(rule, 'labels');
  yield* templateProblems(rule, 'annotations');
}

function* recordingProblems(rule: WrittenRule): Generator<Problem> {
  if (Object.keys(rule.annotations).length > 0) {
    yield { path: ['annotations'], message: "invalid field 'annotations' in recording rule" };
  }
  if (rule.for !== 0) yield { path: ['for'], message: "invalid field 'for' in recording rule" };
  if (rule.keep_firing_for !== 0) {
    yield { path: ['keep_firing_for'], message: "invalid field 'keep_firing_for' in recording rule" };
  }
  if (/[{}]/.test(rule.record)) {
    yield {
      path: ['record'],
      message: `braces present in the recording rule name; should it be in expr?: ${rule.record}`,
    };
  }
}

function* labelProblems(labels: Labels, path: readonly (string | number)[]): Generator<Problem> {
  for (const name of Object.keys(labels)) {
    if (name === '' || name === '__name__') {
      yield { path: [...path, name], message: `invalid label name: ${JSON.stringify(name)}` };
    }
  }
}

function* templateProblems(rule: WrittenRule, key: 'labels' | 'annotations'): Generator<Problem> {
  const what = key === 'labels' ? 'label' : 'annotation';
  for (const [name, text] of Object.entries(rule[key])) {
    const reason = failureOf(() => new AlertTemplate(text, rule.alert));
    if (reason !== null) yield { path: [key, name], message: `${what} ${JSON.stringify(name)}: ${reason}` };
  }
}

function failureOf(attempt: () => unknown): string | null {
  try {
    attempt();
    return null;
  } catch (thrown) {
    return messageOf(thrown);
  }
}

/** Rules of one name and one set of labels overwrite each other's series; promtool only warns about them. */
function duplicatesOf(groups: readonly GroupText[]): readonly string[] {
  const places = new Map<string, number[]>();
  for (const group of groups) {
    for (const rule of group.rules) {
      const identity = formatLabels({ ...group.labels, ...rule.labels, __name__: rule.record || rule.alert });
      const known = places.get(identity);
      if (known) known.push(rule.place.line);
      else places.set(identity, [rule.place.line]);
    }
  }
  const repeated = [...places].filter(([, lines]) => lines.length > 1);
  return repeated.map(([identity, lines]) => `duplicate rule: ${identity}, in lines ${listed(lines)}`);
}

/** The first ones of a list that may be long. */
function listed(lines: readonly number[]): string {
  const named = lines.slice(0, maxNamedLines);
  const more = lines.length - named.length;
  return more > 0 ? `${named.join(', ')} and ${more} more` : named.join(', ').replace(/, (\d+)$/, ' and $1');
}

const maxNamedLines = 10;
