import { z } from 'zod';
import { clientOf, serverOf, type ServerFlags } from './server-client.ts';
import { printJson } from './terminal/print.ts';

const reloaded = z.object({
  rules: z.number(),
  changed: z.number(),
  removed: z.number(),
  policies: z.number(),
  warnings: z.array(z.string()),
  needs_restart: z.array(z.string()).default([]),
});

/**
 * `omoi reload`: what SIGHUP does, with an answer.
 * @throws OmoiError `config_invalid`, `rule_file_invalid`, `policy_file_invalid`: nothing was taken over
 */
export async function reload(flags: ServerFlags): Promise<void> {
  const answer = await clientOf(serverOf(flags)).call('POST', '/api/v1/reload');
  if (flags.json === true) return printJson(answer);
  const { rules, changed, removed, policies, warnings, needs_restart: keys } = reloaded.parse(answer);
  process.stdout.write(
    `in force: ${rules} rules (${changed} new or changed, ${removed} removed), ${policies} policies\n`,
  );
  for (const warning of warnings) process.stdout.write(`warning: ${warning}\n`);
  for (const key of keys) process.stdout.write(`needs a restart: ${key}\n`);
}
