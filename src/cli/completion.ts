import type { Command } from 'commander';

/** What can stand behind some words of a command line. */
export interface CompletionNode {
  /** The commands that lead here, without `omoi`: `['agents', 'list']`. */
  readonly path: readonly string[];
  readonly words: readonly { readonly word: string; readonly description: string }[];
}

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** What each command can be followed by, from the definition of the program. */
export function completionsOf(command: Command, path: readonly string[] = []): readonly CompletionNode[] {
  const below = command.commands.flatMap((one) =>
    [one.name(), ...one.aliases()].map((name) => ({ one, name })),
  );
  const visible = command.createHelp().visibleCommands(command);
  const words = [
    ...visible
      .filter((one) => one.name() !== 'help')
      .map((one) => ({ word: one.name(), description: one.description() })),
    ...command.options.flatMap(({ long, description }) => (long ? [{ word: long, description }] : [])),
    ...command.registeredArguments.flatMap(({ argChoices, description }) =>
      (argChoices ?? []).map((word) => ({ word, description })),
    ),
  ];
  return [{ path, words }, ...below.flatMap(({ one, name }) => completionsOf(one, [...path, name]))];
}

/** A script for a shell to read: `source <(omoi completion bash)`. */
export function completionScript(shell: Shell, program: Command): string {
  const nodes = completionsOf(program);
  return { bash: bashScript, zsh: zshScript, fish: fishScript }[shell](nodes);
}

/** Behind the words that name a command come its own; other words are arguments, files by default. */
function bashScript(nodes: readonly CompletionNode[]): string {
  const cases = nodes.map(
    ({ path, words }) => `    '${path.join(' ')}') words='${words.map(({ word }) => word).join(' ')}' ;;`,
  );
  return `# bash completion for omoi: source <(omoi completion bash)
_omoi_words() {
  case "$1" in
${cases.join('\n')}
    *) return 1 ;;
  esac
}
_omoi() {
  local words path='' at next
  COMPREPLY=()
  _omoi_words ''
  for ((at = 1; at < COMP_CWORD; at++)); do
    [[ "\${COMP_WORDS[at]}" == -* ]] && continue
    [[ "\${COMP_WORDS[at]}" == -- ]] && return
    next="\${path:+$path }\${COMP_WORDS[at]}"
    _omoi_words "$next" && path="$next"
  done
  _omoi_words "$path"
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}")
}
complete -o default -F _omoi omoi
`;
}

function zshScript(nodes: readonly CompletionNode[]): string {
  const cases = nodes.map(({ path, words }) => {
    const described = words.map(({ word, description }) =>
      quoted(`${word.replaceAll(':', '\\:')}:${description}`),
    );
    return `    ${quoted(path.join(' '))}) found=(${described.join(' ')}) ;;`;
  });
  return `#compdef omoi
# zsh completion for omoi: source <(omoi completion zsh), behind compinit
_omoi_words() {
  case "$1" in
${cases.join('\n')}
    *) return 1 ;;
  esac
}
_omoi() {
  local -a found
  local at_path='' next word
  for word in "\${(@)words[2,CURRENT-1]}"; do
    [[ "$word" == -* ]] && continue
    next="\${at_path:+$at_path }$word"
    _omoi_words "$next" && at_path="$next"
  done
  _omoi_words "$at_path"
  _describe 'omoi' found || _files
}
compdef _omoi omoi
`;
}

function fishScript(nodes: readonly CompletionNode[]): string {
  const lines = nodes.flatMap(({ path, words }) =>
    words.map(({ word, description }) => {
      const what = word.startsWith('--') ? `-l ${word.slice(2)}` : `-f -a ${quoted(word)}`;
      return `complete -c omoi -n ${quoted(`_omoi_at ${quotedForFish(path)}`)} ${what} -d ${quoted(description)}`;
    }),
  );
  return `# fish completion for omoi: omoi completion fish | source
function _omoi_at
  set -l given
  for word in (commandline -opc)[2..]
    string match -q -- '-*' $word; or set -a given $word
  end
  test (count $given) -ge (count $argv); or return 1
  test (count $argv) -eq 0 -a (count $given) -gt 0; and return 1
  for at in (seq (count $argv))
    test "$given[$at]" = "$argv[$at]"; or return 1
  end
end
${lines.join('\n')}
`;
}

function quotedForFish(path: readonly string[]): string {
  return path.join(' ');
}

/** For every shell: nothing in it is looked at. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'"'"'`)}'`;
}
