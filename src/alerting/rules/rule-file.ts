import { z } from 'zod';
import { formatLabels, messageOf, parseStrictDocument, type DocumentSource, type Labels } from '#telemetry';
import { AlertTemplate } from './alert-template.ts';
import { duration, optional, texts, wholeNumber } from './written-values.ts';

/** A rule file as it is read. */
export type RuleFileText = Pick<DocumentSource, 'name' | 'text' | 'shipped' | 'unknownKeys'>;

/** A rule file as it is written, checked; durations in ms. */
export interface RuleFile {
  readonly name: string;
  readonly groups: readonly GroupText[];
  /** What promtool's linter would say: the rules run all the same. */
  readonly warnings: readonly string[];
  readonly shipped?: RuleFileText['shipped'];
}

export type GroupText = z.output<typeof groupSchema>;
export type RuleText = z.output<typeof ruleSchema>;

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
  const { groups } = parseStrictDocument({ ...source, scalars: 'text' }, schema, 'rule_file_invalid');
  const { name, shipped } = source;
  return { name, groups, warnings: duplicatesOf(groups), ...(shipped && { shipped }) };
}

interface Problem {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

function* problemsOf(groups: readonly GroupText[], checkExpression: CheckExpression): Generator<Problem> {
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

function* ruleProblems(rule: RuleText, checkExpression: CheckExpression): Generator<Problem> {
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

function* recordingProblems(rule: RuleText): Generator<Problem> {
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

function* templateProblems(rule: RuleText, key: 'labels' | 'annotations'): Generator<Problem> {
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
  const seen = new Set<string>();
  const repeated = new Set<string>();
  for (const group of groups) {
    for (const rule of group.rules) {
      const identity = formatLabels({ ...group.labels, ...rule.labels, __name__: rule.record || rule.alert });
      if (seen.has(identity)) repeated.add(identity);
      seen.add(identity);
    }
  }
  return [...repeated].map((identity) => `duplicate rule: ${identity}`);
}
