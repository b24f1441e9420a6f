/** What becomes of a part of a file that is imported, the best first. */
export const VERDICTS = ['runs', 'differs', 'stays', 'unused', 'refused'] as const;

/**
 * `runs`: as it is. `differs`: Omoi does it, and not in the same way. `stays`: goes on where it is, beside Omoi. `unused`: says
 * nothing to Omoi. `refused`: can't run.
 */
export type Verdict = (typeof VERDICTS)[number];

export interface ImportFinding {
  readonly verdict: Verdict;
  /** `line:column` in the file; null where it is about all of it. */
  readonly place: string | null;
  readonly message: string;
}

/** A key of `omoi.yaml` with what it comes from. */
export interface OmoiSetting {
  readonly path: readonly [section: string, key: string];
  readonly value: unknown;
  /** For who reads the file: where the value comes from. */
  readonly comment: string;
}

/** What was found out about one file. */
export interface ImportedFile {
  readonly path: string;
  /** `a Prometheus configuration` */
  readonly what: string;
  readonly findings: readonly ImportFinding[];
}

/** A line that begins with its file and place: `alertmanager.yml:6:7: …`. */
const PLACED = /^.*?:(\d+:\d+): (.*)$/s;

/** The finding that a line with a place of its own stands for. */
export function findingOf(verdict: Verdict, line: string): ImportFinding {
  const [, place = null, message = line] = PLACED.exec(line) ?? [];
  return { verdict, place, message };
}
