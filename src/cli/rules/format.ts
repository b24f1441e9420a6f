import {
  closeSync,
  fsyncSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { messageOf } from '#telemetry';
import { readNamedText } from '../named-text.ts';
import { counted } from '../terminal/counted.ts';
import { printLines } from '../terminal/print.ts';
import { formatRuleText } from './format-text.ts';
import { rulePaths } from './rule-paths.ts';

export interface RuleFormatFlags {
  readonly check?: boolean;
  readonly stdout?: boolean;
}

/**
 * `omoi rules format`: without a server.
 * @returns the exit status: 1 where a file is refused, or with `--check` one is not formatted
 */
export async function formatRules(named: readonly string[], flags: RuleFormatFlags): Promise<number> {
  let refused = 0;
  let changed = 0;
  for (const path of rulePaths(named)) {
    try {
      const text = await readNamedText(path);
      const formatted = formatRuleText({ name: path === '-' ? 'stdin' : path, text });
      if (flags.stdout === true || path === '-') process.stdout.write(formatted);
      if (formatted === text) continue;
      changed++;
      if (flags.check === true)
        printLines([`${path}: not formatted from line ${firstDifference(text, formatted)} on`]);
      else if (flags.stdout !== true && path !== '-') {
        replaceFile(path, formatted);
        printLines([`${path}: formatted`]);
      }
    } catch (thrown) {
      refused++;
      printLines([messageOf(thrown)]);
    }
  }
  if (refused > 0) printLines([`${counted(refused, 'file')} refused`]);
  return refused > 0 || (flags.check === true && changed > 0) ? 1 : 0;
}

/** The line, from 1, from which on two texts differ. */
function firstDifference(one: string, other: string): number {
  const [lines, others] = [one.split('\n'), other.split('\n')];
  const at = lines.findIndex((line, index) => line !== others[index]);
  return (at < 0 ? lines.length : at) + 1;
}

/** Puts another text in the place of a file, whole or not at all, with its mode and through links. */
function replaceFile(path: string, text: string): void {
  const target = realpathSync(path);
  const beside = join(dirname(target), `.${basename(target)}.${process.pid}.tmp`);
  try {
    const file = openSync(beside, 'wx', statSync(target).mode & 0o7777);
    try {
      writeSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(beside, target);
  } catch (thrown) {
    rmSync(beside, { force: true });
    throw thrown;
  }
}
