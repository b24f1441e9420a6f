import { checkTriggers, loadConfig, triggerText } from '#server';
import type { CheckFlags } from './check.ts';
import { printJson } from './terminal/print.ts';

/**
 * Which policies somebody could set off who may send telemetry and nothing else, without a server.
 * @returns the exit status: 1 where one of them is in mode act
 * @throws OmoiError `config_invalid`, `rule_file_invalid`, `policy_file_invalid`
 */
export async function checkPolicies(flags: CheckFlags): Promise<number> {
  const config = loadConfig({ file: flags.config ?? null, environment: process.env });
  const triggers = await checkTriggers(config);
  if (flags.json) printJson({ triggers });
  else {
    for (const trigger of triggers) process.stdout.write(`${triggerText(trigger)}\n`);
    if (triggers.length === 0) process.stdout.write('no policy can be set off by what anybody may send\n');
  }
  return triggers.some(({ mode }) => mode === 'act') ? 1 : 0;
}
