import { replaceFile } from '#server';
import { messageOf } from '#telemetry';
import { readNamedText } from '../named-text.ts';
import { counted } from '../terminal/counted.ts';
import { aside } from '../terminal/aside.ts';
import { printLines } from '../terminal/print.ts';
import { formatRuleText } from './format-text.ts';
import { rulePaths } from './rule-paths.ts';

export interface RuleFormatFlags {
  readonly check?: boolean;
  readonly stdout?: boolean;
}

/**
 * `omoi rules format`: without a server. What is refused is said on standard error, which no pipe takes for a rule file.
 * @returns the exit status: 1 where a file is refused, or with `--check` one is not formatted
 */
export async function formatRules(named: readonly string[], flags: RuleFormatFlags): Promise<number> {
  let refused = 0;
  let changed = 0;
  for (const path of rulePaths(named)) {
    try {
      const text = await readNamedText(path);
      const formatted = formatRuleText({ name: path === '-' ? 'stdin' : path, text });
      const isPrinted = flags.check !== true && (flags.stdout === true || path === '-');
      if (isPrinted) process.stdout.write(formatted);
      if (formatted === text) continue;
      changed++;
      if (flags.check === true)
        printLines([`${path}: not formatted from line ${firstDifference(text, formatted)} on`]);
      else if (!isPrinted) {
        await replaceFile(path, formatted);
        printLines([`${path}: formatted`]);
      }
    } catch (thrown) {
      refused++;
      aside(messageOf(thrown));
    }
  }
  if (refused > 0) aside(`${counted(refused, 'file')} refused`);
  return refused > 0 || (flags.check === true && changed > 0) ? 1 : 0;
}

/** The line, from 1, from which on two texts differ. */
function firstDifference(one: string, other: string): number {
  const [lines, others] = [one.split('\n'), other.split('\n')];
  const at = lines.findIndex((line, index) => line !== others[index]);
  return (at < 0 ? lines.length : at) + 1;
}
