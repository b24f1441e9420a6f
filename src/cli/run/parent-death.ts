import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The command such that it gets SIGTERM when its wrapper is killed and can't pass that on: by `setpriv` (util-linux),
 * where it is there. Elsewhere, and for what can't be started at all, the command as it is: the server sees silence then.
 */
export function endingWithParent(command: readonly string[], environment: Environment): readonly string[] {
  const [program = '', ...args] = command;
  const setpriv = findProgram('setpriv', environment);
  if (setpriv === null || findProgram(program, environment) === null) return command;
  return [setpriv, '--pdeathsig', 'TERM', '--', program, ...args];
}

/** As `execvp` looks for it; null where it would not start. */
function findProgram(name: string, environment: Environment): string | null {
  if (name === '') return null;
  if (name.includes('/')) return isExecutable(name) ? name : null;
  const places = (environment['PATH'] ?? '').split(delimiter).filter((place) => place !== '');
  return places.map((place) => join(place, name)).find(isExecutable) ?? null;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
