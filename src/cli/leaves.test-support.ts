import type { Command } from 'commander';

/** Each command that does something, with the words that name it. */
export function* leavesOf(
  command: Command,
  path: readonly string[] = [],
): Generator<readonly [string, Command]> {
  for (const below of command.commands) {
    const name = [...path, below.name()];
    if (below.commands.length > 0) yield* leavesOf(below, name);
    else yield [name.join(' '), below];
  }
}
