import { findProgram } from '#fleet';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The command such that it gets SIGTERM when its wrapper is killed and can't pass that on: by `setpriv` (util-linux),
 * where it is there. Elsewhere, and for what can't be started at all, the command as it is: the server sees silence then.
 */
export function endingWithParent(command: readonly string[], environment: Environment): readonly string[] {
  const [program = '', ...args] = command;
  const setpriv = findProgram('setpriv', environment, null);
  if (setpriv === null || findProgram(program, environment, null) === null) return command;
  return [setpriv, '--pdeathsig', 'TERM', '--', program, ...args];
}
