import { writeFileSync } from 'node:fs';
import { z } from 'zod';
import { parseRuleFile } from '#alerting';
import { createEngine, type PromqlFeatures } from '#promql';
import { createSystemClock, messageOf, OmoiError } from '#telemetry';
import { readNamedText } from '../named-text.ts';
import { counted } from '../terminal/counted.ts';
import { printJson, printLines } from '../terminal/print.ts';
import { checkJunit, type CheckedFile } from './check-junit.ts';
import { featuresOf } from './rule-features.ts';
import { rulePaths } from './rule-paths.ts';

export interface RuleCheckFlags {
  readonly lint: 'all' | 'duplicate-rules' | 'none';
  readonly lintFatal?: boolean;
  readonly ignoreUnknownFields?: boolean;
  readonly enableFeature?: readonly string[];
  readonly junit?: string;
  readonly json?: boolean;
}

/** What was found in a file. */
type RuleFileCheck =
  | {
      readonly file: string;
      readonly ok: true;
      readonly groups: number;
      readonly rules: number;
      /** What the lint has found. */
      readonly duplicates: readonly string[];
      /** What else is hardly meant. */
      readonly warnings: readonly string[];
    }
  | {
      readonly file: string;
      readonly ok: false;
      readonly problems: readonly Problem[];
      readonly problem_count: number;
    };

interface Problem {
  /** Null where the whole file can't be read; the message names it then. */
  readonly line: number | null;
  readonly column: number | null;
  readonly message: string;
}

/** Of promtool, where `--lint-fatal` finds something. */
const EXIT_LINT = 3;

/**
 * `omoi rules check`: without a server.
 * @returns the exit status: 1 where a file is refused, 3 where the lint is fatal and has found something
 */
export async function checkRules(named: readonly string[], flags: RuleCheckFlags): Promise<number> {
  const options = {
    features: featuresOf(flags.enableFeature ?? []),
    ignoresUnknownKeys: flags.ignoreUnknownFields === true,
    lint: flags.lint !== 'none',
  };
  const checks: RuleFileCheck[] = [];
  for (const path of rulePaths(named)) checks.push(await checkRuleFile(path, options));
  if (flags.json === true) printJson({ files: checks });
  else printLines(checks.flatMap(linesOf));
  if (flags.junit !== undefined) writeFileSync(flags.junit, checkJunit(checks.map(checkedFile)));
  if (checks.some(({ ok }) => !ok)) return 1;
  const hasWarned = checks.some((check) => check.ok && check.duplicates.length > 0);
  return hasWarned && flags.lintFatal === true ? EXIT_LINT : 0;
}

interface RuleCheckOptions {
  readonly features: PromqlFeatures;
  readonly ignoresUnknownKeys: boolean;
  readonly lint: boolean;
}

/** @param path a file, or `-` for what is piped in */
async function checkRuleFile(path: string, options: RuleCheckOptions): Promise<RuleFileCheck> {
  const file = path === '-' ? 'stdin' : path;
  try {
    const text = await readNamedText(path);
    return checkRuleText({ name: file, text }, options);
  } catch (thrown) {
    const message = `${file}: ${messageOf(thrown)}`;
    return { file, ok: false, problems: [{ line: null, column: null, message }], problem_count: 1 };
  }
}

function checkRuleText(
  source: { readonly name: string; readonly text: string },
  { features, ignoresUnknownKeys, lint }: RuleCheckOptions,
): RuleFileCheck {
  const engine = createEngine({ clock: createSystemClock(), features });
  const { name: file } = source;
  try {
    const { groups, warnings, duplicates } = parseRuleFile(
      { ...source, ...(ignoresUnknownKeys && { unknownKeys: 'ignored' }) },
      (expr) => void engine.prepare(expr),
    );
    const rules = groups.reduce((sum, group) => sum + group.rules.length, 0);
    return { file, ok: true, groups: groups.length, rules, warnings, duplicates: lint ? duplicates : [] };
  } catch (thrown) {
    if (!(thrown instanceof OmoiError)) throw thrown;
    return { file, ok: false, ...refusalOf(thrown) };
  }
}

const placedProblems = z.object({
  problems: z.array(z.object({ line: z.number(), column: z.number(), message: z.string() })),
  problem_count: z.number(),
});

function refusalOf({ details, message }: OmoiError) {
  const placed = placedProblems.safeParse(details);
  if (placed.success) return placed.data;
  return { problems: [{ line: null, column: null, message }], problem_count: 1 };
}

function linesOf(check: RuleFileCheck): readonly string[] {
  const { file } = check;
  if (!check.ok) return [`${file}: refused`, ...problemLines(check).map((line) => `  ${line}`)];
  const { rules, groups } = check;
  return [
    `${file}: good: ${counted(rules, 'rule')} in ${counted(groups, 'group')}`,
    ...[...check.warnings, ...check.duplicates].map((warning) => `  warning: ${warning}`),
  ];
}

function problemLines(check: Extract<RuleFileCheck, { ok: false }>): readonly string[] {
  const rest = check.problem_count - check.problems.length;
  return [
    ...check.problems.map(({ line, column, message }) =>
      line === null ? message : `${check.file}:${line}:${column ?? 1}: ${message}`,
    ),
    ...(rest > 0 ? [`and ${rest} more`] : []),
  ];
}

function checkedFile(check: RuleFileCheck): CheckedFile {
  return { file: check.file, failures: check.ok ? check.duplicates : problemLines(check) };
}
