import type { HistogramValue, Labels, SelectedSeries } from '#telemetry';

/** A place in a file that a person wrote; null where the whole file is meant. */
export interface FileProblem {
  readonly file: string;
  readonly line: number | null;
  readonly column: number | null;
  readonly message: string;
}

/** What became of a file of tests. */
export interface FileReport {
  readonly file: string;
  /** Why nothing was run. */
  readonly problems: readonly FileProblem[];
  readonly warnings: readonly string[];
  readonly tests: readonly TestReport[];
  readonly elapsedMs: number;
}

export interface TestReport {
  readonly name: string;
  readonly line: number;
  /** Rules that could not be evaluated: then nothing after that time was. */
  readonly failures: readonly RuleFailure[];
  /** Why it was not run. */
  readonly refusal: string | null;
  readonly cases: readonly CaseReport[];
  /** All that is stored at its end; null where nobody asked. */
  readonly stored: readonly SelectedSeries[] | null;
  /** Evaluations of rules. */
  readonly evaluations: number;
  readonly elapsedMs: number;
}

export interface RuleFailure {
  readonly rule: string;
  /** Since the start of the test. */
  readonly atMs: number;
  readonly message: string;
}

export type CaseReport = AlertReport | ExprReport;

/** What is said of one alert's name at one time. */
export interface AlertReport {
  readonly kind: 'alert';
  readonly line: number;
  readonly atMs: number;
  readonly alertname: string;
  readonly ok: boolean;
  readonly expected: readonly ComparedAlert[];
  readonly got: readonly ComparedAlert[];
  /** None where it is ok. */
  readonly differences: readonly AlertDifference[];
}

export interface ComparedAlert {
  readonly labels: Labels;
  readonly annotations: Labels;
}

export type AlertDifference =
  /** Fires, but not as expected. */
  | { readonly kind: 'differs'; readonly expected: ComparedAlert; readonly got: ComparedAlert }
  | { readonly kind: 'missing'; readonly expected: ComparedAlert; readonly why: string }
  | { readonly kind: 'unexpected'; readonly got: ComparedAlert; readonly why: string };

/** What is said of one expression at one time. */
export interface ExprReport {
  readonly kind: 'expr';
  readonly line: number;
  readonly atMs: number;
  readonly expr: string;
  readonly ok: boolean;
  readonly expected: readonly ComparedSample[];
  readonly got: readonly ComparedSample[];
  /** Why it could not be evaluated. */
  readonly error: string | null;
  readonly differences: readonly SampleDifference[];
}

export interface ComparedSample {
  readonly labels: Labels;
  /** 0 where it is a histogram. */
  readonly value: number;
  readonly histogram: HistogramValue | null;
}

export type SampleDifference =
  | { readonly kind: 'differs'; readonly expected: ComparedSample; readonly got: ComparedSample }
  | { readonly kind: 'missing'; readonly expected: ComparedSample }
  | { readonly kind: 'unexpected'; readonly got: ComparedSample };

export function isGoodTest({ cases, failures, refusal }: TestReport): boolean {
  return refusal === null && failures.length === 0 && cases.every(({ ok }) => ok);
}

export function isGoodFile({ problems, tests }: FileReport): boolean {
  return problems.length === 0 && tests.every(isGoodTest);
}
