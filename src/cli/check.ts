import { changedInConfiguration, checkFiles, checkInstallation, loadConfig, readConfigFile } from '#server';

export interface CheckFlags {
  readonly config?: string;
  readonly json?: boolean;
}

/**
 * Checks the configuration with its rules and policies, and what keeps agents and server apart, without a server.
 * @returns the exit status: 1 where something will not work
 * @throws OmoiError `config_invalid`
 */
export async function check(flags: CheckFlags): Promise<number> {
  const config = loadConfig({ file: flags.config ?? null, environment: process.env });
  const file = readConfigFile(flags.config ?? null);
  const findings = [
    ...(await checkFiles(config)),
    ...checkInstallation(config),
    ...(file ? changedInConfiguration(file) : []),
  ];
  if (flags.json) process.stdout.write(`${JSON.stringify({ findings })}\n`);
  else {
    for (const { severity, key, message } of findings)
      process.stdout.write(`${severity}  ${key}: ${message}\n`);
    if (findings.length === 0) process.stdout.write('nothing to say: the configuration is good\n');
  }
  return findings.some(({ severity }) => severity === 'error') ? 1 : 0;
}
