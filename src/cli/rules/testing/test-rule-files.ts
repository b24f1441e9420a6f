import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { buildRuleGroups, parseRuleFile, prepareForRule, type RuleGroup } from '#alerting';
import { createEngine, type Engine, type PromqlFeatures } from '#promql';
import { createSystemClock, messageOf, nextTurn, OmoiError, unpaced, type Clock } from '#telemetry';
import { globbedFiles } from '../../import/find-files.ts';
import { runRuleTest } from './run-test.ts';
import { parseRuleTestFile, type RuleTest, type RuleTestFile, type WrittenGlob } from './test-file.ts';
import type { FileProblem, FileReport, TestReport } from './test-report.ts';

export interface RuleTestOptions {
  /** What of the experimental language is on. */
  readonly features: PromqlFeatures;
  /** Only tests whose name it matches; null: all. */
  readonly run?: { test(name: string): boolean } | null;
  /** Whether keys of rule files that nobody knows are passed over. */
  readonly ignoresUnknownKeys?: boolean;
  /** Whether the report of each test has all that is stored at its end. */
  readonly keepsSeries?: boolean;
  /** Told while tests run. */
  readonly onProgress?: (progress: TestProgress) => void;
}

export interface TestProgress {
  readonly file: string;
  /** Of the tests of the file, counted with what is done of the one that runs. */
  readonly done: number;
  readonly tests: number;
}

/** Tests of one file run at a stretch for so long, ms. */
const STRETCH_MS = 50;

/**
 * Runs files of unit tests of rules, in promtool's format, one after the other.
 * @returns one report a file; what is wrong with a file stands in it
 */
export async function testRuleFiles(
  files: readonly string[],
  options: RuleTestOptions,
): Promise<readonly FileReport[]> {
  const reports: FileReport[] = [];
  for (const file of files) reports.push(await testRuleFile(file, options));
  return reports;
}

async function testRuleFile(file: string, options: RuleTestOptions): Promise<FileReport> {
  const clock = createSystemClock();
  const startedMs = clock.monotonicMs();
  const warnings: string[] = [];
  const report = (found: Pick<FileReport, 'problems' | 'tests'>): FileReport => ({
    file,
    warnings,
    ...found,
    elapsedMs: clock.monotonicMs() - startedMs,
  });
  try {
    const parsed = parseRuleTestFile(
      { name: file, text: readFileSync(file, 'utf8') },
      checkerOf(options, clock),
    );
    const tests = parsed.tests.filter(({ name }) => options.run?.test(name) ?? true);
    if (tests.length === 0) return report({ problems: [], tests: [] });
    const loaded = new RulesOfFile(parsed, options, clock);
    warnings.push(...loaded.warnings);
    return report({ problems: [], tests: await runTests(tests, { file, options, loaded, clock }) });
  } catch (thrown) {
    return report({ problems: problemsOf(file, thrown), tests: [] });
  }
}

async function runTests(
  tests: readonly RuleTest[],
  {
    clock,
    file,
    loaded,
    options,
  }: {
    readonly file: string;
    readonly options: RuleTestOptions;
    readonly loaded: RulesOfFile;
    readonly clock: Clock;
  },
): Promise<readonly TestReport[]> {
  const reports: TestReport[] = [];
  let turnedMs = clock.monotonicMs();
  for (const test of tests) {
    const onProgress = (share: number): void =>
      options.onProgress?.({ file, done: reports.length + share, tests: tests.length });
    onProgress(0);
    reports.push(
      runRuleTest(test, { ...loaded.surroundings, keepsSeries: options.keepsSeries === true, onProgress }),
    );
    if (clock.monotonicMs() - turnedMs < STRETCH_MS) continue;
    await nextTurn();
    turnedMs = clock.monotonicMs();
  }
  return reports;
}

function checkerOf({ features }: RuleTestOptions, clock: Clock): (expr: string) => void {
  const engine = createEngine({ clock, features });
  return (expr) => {
    const { type } = engine.prepare(expr);
    if (type !== 'vector' && type !== 'scalar') {
      throw new OmoiError('query_invalid', `a test needs an instant vector or a scalar, not a ${type}`);
    }
  };
}

/** The rules that a file of tests names, read. */
class RulesOfFile {
  readonly warnings: string[] = [];
  readonly surroundings: {
    readonly engine: Engine;
    readonly clock: Clock;
    readonly groups: readonly RuleGroup[];
    readonly evaluationIntervalMs: number;
    readonly isFuzzy: boolean;
  };

  /** @throws AggregateError of OmoiErrors `rule_file_invalid`, one a file */
  constructor(
    { evaluationIntervalMs, groupOrder, isFuzzy, name, ruleFiles }: RuleTestFile,
    { features, ignoresUnknownKeys }: RuleTestOptions,
    clock: Clock,
  ) {
    const engine = createEngine({ clock, features, subqueryStepMs: evaluationIntervalMs });
    const paths = new Set(ruleFiles.flatMap((glob) => this.#filesOf(glob, name)));
    const reading = ignoresUnknownKeys === true ? { unknownKeys: 'ignored' as const } : {};
    const parsed = allOf([...paths], (path) =>
      parseRuleFile({ name: path, text: readFileSync(path, 'utf8'), ...reading }, (expr) => {
        prepareForRule(engine, expr);
      }),
    );
    const groups = unpaced(buildRuleGroups(parsed));
    this.surroundings = {
      engine,
      clock,
      groups: inOrder(groups, groupOrder),
      evaluationIntervalMs,
      isFuzzy,
    };
  }

  #filesOf({ glob, line }: WrittenGlob, testFile: string): readonly string[] {
    const files = globbedFiles(glob, testFile);
    if (files.length === 0) this.warnings.push(`${testFile}:${line}: no file matches ${glob}`);
    return files;
  }
}

/** What is made of each. @throws AggregateError of what any of them threw */
function allOf<Value, Made>(values: readonly Value[], make: (value: Value) => Made): readonly Made[] {
  const made: Made[] = [];
  const failures: unknown[] = [];
  for (const value of values) {
    try {
      made.push(make(value));
    } catch (thrown) {
      failures.push(thrown);
    }
  }
  if (failures.length > 0) throw new AggregateError(failures);
  return made;
}

/** Groups that are named come in that order; those that are not, as promtool has it, with the first of them. */
function inOrder(groups: readonly RuleGroup[], order: readonly string[]): readonly RuleGroup[] {
  const places = new Map(order.map((name, place) => [name, place]));
  return groups.toSorted((a, b) => (places.get(a.name) ?? 0) - (places.get(b.name) ?? 0));
}

const placedProblems = z.object({
  file: z.string(),
  problems: z.array(z.object({ line: z.number(), column: z.number(), message: z.string() })),
  problem_count: z.number(),
});

function problemsOf(file: string, thrown: unknown): readonly FileProblem[] {
  if (thrown instanceof AggregateError) return thrown.errors.flatMap((one: unknown) => problemsOf(file, one));
  const whole = { file, line: null, column: null };
  if (!(thrown instanceof OmoiError)) {
    // What is no fault of a file is one of Omoi's.
    if (!(thrown instanceof Error && 'syscall' in thrown)) throw thrown;
    return [{ ...whole, message: messageOf(thrown) }];
  }
  const placed = placedProblems.safeParse(thrown.details);
  if (!placed.success) return [{ ...whole, message: thrown.message }];
  const { file: named, problem_count: count, problems } = placed.data;
  const rest = count - problems.length;
  return [
    ...problems.map((problem) => ({ file: named, ...problem })),
    ...(rest > 0 ? [{ ...whole, file: named, message: `and ${rest} more` }] : []),
  ];
}
