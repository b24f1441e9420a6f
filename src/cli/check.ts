import { OmoiError } from '#telemetry';
import {
  changedInConfiguration,
  checkFiles,
  checkInstallation,
  ignoredVariables,
  loadConfig,
  readConfigFile,
  type Config,
  type Finding,
} from '#server';
import { loadExperiment } from './gameday/experiment.ts';
import { printJson } from './terminal/print.ts';

export interface CheckFlags {
  readonly config?: string;
  /** Names the lines that meant something else in earlier builds; else they are counted. */
  readonly upgrade?: boolean;
  readonly json?: boolean;
  readonly strict?: boolean;
}

/** The configuration that flags name; null: the usual one. */
interface NamedConfiguration {
  readonly config?: string | null;
  readonly strict?: boolean;
}

/**
 * Checks all that a person writes, as one: the configuration with its rules and policies, the variables that go before it,
 * what keeps agents and server apart, and files of game days. Without a server; changes nothing.
 * @param gamedays files of game days
 * @returns the exit status: 1 where something will not work
 */
export async function check(gamedays: readonly string[], flags: CheckFlags): Promise<number> {
  const findings = [...(await checkConfiguration(flags)), ...gamedays.flatMap(checkGameday)];
  if (flags.json) printJson({ findings });
  else {
    const notices = findings.filter(({ severity }) => severity === 'notice');
    const print = ({ severity, key, message }: Finding): void =>
      void process.stdout.write(`${severity}  ${key}: ${message}\n`);
    findings.filter(({ severity }) => severity !== 'notice').forEach(print);
    if (notices.length === findings.length)
      process.stdout.write('nothing to say: the configuration is good\n');
    if (flags.upgrade === true && notices.length > 0) {
      process.stdout.write('\nmeant something else in earlier builds:\n');
      notices.forEach(print);
    } else if (notices.length > 0) process.stdout.write(`${upgradeLine(notices.length)}\n`);
  }
  return findings.some(({ severity }) => severity === 'error') ? 1 : 0;
}

/** Who writes a configuration anew has no use for what its lines once meant. */
function upgradeLine(lines: number): string {
  const what = lines === 1 ? '1 line meant' : `${lines} lines meant`;
  return `after an upgrade: ${what} something else in earlier builds (omoi check --upgrade)`;
}

async function checkConfiguration({
  config: name = null,
  strict = false,
}: NamedConfiguration): Promise<readonly Finding[]> {
  const variables = checkVariables();
  let config: Config;
  try {
    config = loadConfig({ file: name, environment: variables.read });
  } catch (thrown) {
    return [...variables.findings, ...problemsOf(thrown, 'configuration')];
  }
  const file = readConfigFile(name);
  return [
    ...variables.findings,
    ...(await checkFiles(config, { isStrict: strict, environment: process.env })),
    ...(await checkInstallation(config)),
    ...(file ? changedInConfiguration(file) : []),
  ];
}

/** What is wrong with the variables; where one is mistyped none is read. */
function checkVariables(): { readonly findings: readonly Finding[]; readonly read: NodeJS.ProcessEnv } {
  try {
    const findings = ignoredVariables(process.env).map((key): Finding => {
      return { severity: 'warning', key, message: 'no such variable is read' };
    });
    return { findings, read: process.env };
  } catch (thrown) {
    return { findings: problemsOf(thrown, 'environment'), read: {} };
  }
}

function checkGameday(file: string): readonly Finding[] {
  try {
    loadExperiment(file);
    return [];
  } catch (thrown) {
    return problemsOf(thrown, 'gameday');
  }
}

/** A line of the message is a mistake. @throws what is no mistake of a person */
function problemsOf(thrown: unknown, key: string): readonly Finding[] {
  if (!(thrown instanceof OmoiError)) throw thrown;
  return thrown.message.split('\n').map((message) => ({ severity: 'error', key, message }));
}
