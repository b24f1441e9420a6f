import { z } from 'zod';
import { OmoiError } from '#telemetry';
import { printJson, printLines } from '../terminal/print.ts';
import { contentsOf, contentsText, type RoutingContents } from './contents.ts';
import { readRoutingFile } from './routing-file.ts';

/** What was found in a file. */
type FileCheck =
  | ({ readonly file: string; readonly ok: true } & Found)
  | {
      readonly file: string;
      readonly ok: false;
      readonly problems: readonly Problem[];
      readonly problem_count: number;
    };

interface Found extends RoutingContents {
  readonly warnings: readonly string[];
}

interface Problem {
  /** Null where the whole file can't be read; the message names it then. */
  readonly line: number | null;
  readonly column: number | null;
  readonly message: string;
}

/**
 * `omoi routing check`: without a server.
 * @returns the exit status: 1 where a file is refused
 */
export async function checkRouting(
  files: readonly string[],
  flags: { readonly json?: boolean },
): Promise<number> {
  const checks: FileCheck[] = [];
  for (const file of files) checks.push(await checkFile(file));
  if (flags.json === true) printJson({ files: checks });
  else printLines(checks.flatMap(linesOf));
  return checks.every(({ ok }) => ok) ? 0 : 1;
}

async function checkFile(file: string): Promise<FileCheck> {
  try {
    const configuration = await readRoutingFile(file);
    return { file, ok: true, ...contentsOf(configuration), warnings: configuration.warnings };
  } catch (thrown) {
    if (!(thrown instanceof OmoiError)) throw thrown;
    return { file, ok: false, ...refusalOf(thrown) };
  }
}

const placedProblems = z.object({
  problems: z.array(z.object({ line: z.number(), column: z.number(), message: z.string() })),
  problem_count: z.number(),
});

/** A file that can't be read at all has no places. */
function refusalOf({ details, message }: OmoiError) {
  const placed = placedProblems.safeParse(details);
  if (placed.success) return placed.data;
  return { problems: [{ line: null, column: null, message }], problem_count: 1 };
}

function linesOf(check: FileCheck): readonly string[] {
  const { file } = check;
  if (!check.ok) {
    const rest = check.problem_count - check.problems.length;
    return [
      `${file}: refused`,
      ...check.problems.map((problem) => `  ${placed(file, problem)}`),
      ...(rest > 0 ? [`  and ${rest} more`] : []),
    ];
  }
  return [
    `${file}: good: ${contentsText(check)}`,
    ...check.warnings.map((warning) => `  warning: ${warning}`),
  ];
}

function placed(file: string, { line, column, message }: Problem): string {
  return line === null ? message : `${file}:${line}:${column ?? 1}: ${message}`;
}
