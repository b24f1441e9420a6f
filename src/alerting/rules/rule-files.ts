import { listProblems, maxListedProblems, OmoiError } from '#telemetry';
import {
  parseRuleFile,
  type CheckExpression,
  type RuleFile,
  type RuleFileText,
  type RuleText,
} from './rule-file.ts';

/** How rule files are read. */
export interface RuleFileReading {
  readonly checkExpression: CheckExpression;
  /** Rules of all files together. */
  readonly maxRules: number;
}

/**
 * Parses rule files. Of the shipped ones come the rules that are in force: neither switched off nor replaced.
 * @throws OmoiError `rule_file_invalid` naming the first mistakes of all files, and how many there are; or the file with which the rules are too many
 */
export function parseRuleFiles(
  files: readonly RuleFileText[],
  { checkExpression, maxRules }: RuleFileReading,
): readonly RuleFile[] {
  const parsed: RuleFile[] = [];
  const failures: OmoiError[] = [];
  let rules = 0;
  for (const file of files) {
    try {
      const read = parseRuleFile(file, checkExpression);
      for (const group of read.groups) rules += group.rules.length;
      parsed.push(read);
    } catch (thrown) {
      if (!(thrown instanceof OmoiError)) throw thrown;
      failures.push(thrown);
    }
    if (rules > maxRules) throw tooManyRules(file.name, rules, maxRules);
  }
  if (failures.length === 0) return rulesInForce(parsed);
  throw refusalOfAll(failures);
}

function tooManyRules(file: string, rules: number, maxRules: number): OmoiError {
  const message = `${file}: up to its end there are ${rules} rules; more than ${maxRules} (alerting.max_rules) are not loaded`;
  return new OmoiError('rule_file_invalid', message, { file, rules, max_rules: maxRules });
}

/** One list of what is wrong in all files, of the first ones. */
function refusalOfAll(failures: readonly OmoiError[]): OmoiError {
  const lines: string[] = [];
  const files: OmoiError['details'][] = [];
  let count = 0;
  for (const { message, details } of failures) {
    const { problems, problem_count: inFile } = details as {
      readonly problems?: readonly unknown[];
      readonly problem_count?: number;
    };
    count += inFile ?? 1;
    if (lines.length >= maxListedProblems) continue;
    files.push(details);
    // The last line of a list that is not whole is none of a mistake.
    const named = problems?.length ?? 1;
    lines.push(...(problems === undefined ? [message] : message.split('\n').slice(0, named)));
  }
  return new OmoiError('rule_file_invalid', listProblems(lines, count), { files, problem_count: count });
}

/** All files; a shipped one without the rules that are switched off, or whose name a rule of a person has. */
function rulesInForce(files: readonly RuleFile[]): readonly RuleFile[] {
  const own = new Set(files.filter(({ shipped }) => !shipped).flatMap(ruleNames));
  return files.map((file) => {
    const { shipped, groups } = file;
    if (!shipped) return file;
    const isOff = (name: string): boolean => own.has(name) || shipped.disabled.includes(name);
    const kept = groups.map((group) => ({
      ...group,
      rules: group.rules.filter((rule) => !isOff(nameOf(rule))),
    }));
    return { ...file, groups: kept.filter(({ rules }) => rules.length > 0) };
  });
}

function nameOf({ alert, record }: RuleText): string {
  return alert || record;
}

function ruleNames({ groups }: RuleFile): readonly string[] {
  return groups.flatMap(({ rules }) => rules.map(nameOf));
}
