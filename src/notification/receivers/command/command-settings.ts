import { normalize } from 'node:path';
import { z } from 'zod';
import {
  checkedBy,
  duration,
  flag,
  secret,
  sendResolved,
  text,
  texts,
  wholeNumber,
} from '../../configuration/setting-schemas.ts';
import { defaultMaxAlerts, defaultTimeoutMs } from '../http-calls.ts';
import type { SettingsProblem, TemplatedField } from '../receiver-kind.ts';

/** An entry of `command_configs` below the `x-omoi` of a receiver: Omoi's own. */
export const commandSettings = z
  .strictObject({
    send_resolved: sendResolved(true),
    /** An absolute path that `x-omoi.allowed_commands` names. */
    command: text(),
    /** Templates. */
    args: texts(),
    /** Besides what Omoi sets; never shown, nor told of where the program repeats it. */
    environment: z
      .record(z.string(), secret())
      .nullish()
      .transform((value) => value ?? {}),
    timeout: duration(defaultTimeoutMs),
    /** Whether the payload has those of Omoi, too. */
    links: flag(),
    max_alerts: wholeNumber(defaultMaxAlerts, { min: 0 }),
  })
  .superRefine(checkedBy(commandProblems));

export type CommandSettings = z.output<typeof commandSettings>;

const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;

interface Checked {
  readonly command: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, unknown>>;
  readonly timeout: number;
}

function commandProblems({ command, args, environment, timeout }: Checked): readonly SettingsProblem[] {
  const problems: SettingsProblem[] = [];
  if (!command.startsWith('/') || normalize(command) !== command || command.endsWith('/')) {
    const message = `command must be the absolute path of a program, /usr/local/bin/page, and is "${command}"`;
    problems.push({ path: ['command'], message });
  }
  for (const [index, arg] of args.entries()) {
    if (arg.includes('\0'))
      problems.push({ path: ['args', index], message: 'an argument cannot have a NUL' });
  }
  for (const name of Object.keys(environment).filter((each) => !VARIABLE.test(each))) {
    problems.push({ path: ['environment', name], message: `"${name}" is no name of a variable` });
  }
  if (timeout === 0) problems.push({ path: ['timeout'], message: 'a command needs a timeout above 0' });
  return problems;
}

/** The mistake of a program that is not allowed: asked when a configuration is read, and again before it is started. */
export function notAllowed(
  { command }: Pick<CommandSettings, 'command'>,
  allowed: readonly string[],
): SettingsProblem | null {
  if (allowed.includes(command)) return null;
  const message = `${command} may not be started; name it in x-omoi.allowed_commands at the top of the configuration`;
  return { path: ['command'], message };
}

export function templatedFieldsOfCommand({ args }: CommandSettings): readonly TemplatedField[] {
  return args.map((arg, index) => ({ path: ['args', index], text: arg }));
}
