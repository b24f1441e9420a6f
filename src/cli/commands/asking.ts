import { Option, type Command } from 'commander';

/** A command that asks a server: which one, and in what form it prints the answer. */
export function asking(command: Command): Command {
  return command
    .option('--json', 'print the server’s answer')
    .option(
      '--url <url>',
      'a server elsewhere (default: $OMOI_URL); its token comes from $OMOI_TOKEN or `omoi login`',
    )
    .option(
      '--data-directory <directory>',
      'the server that runs on this directory, as its owner (default: $OMOI_DATA_DIRECTORY, then .omoi)',
    );
}

/** One that can go on printing what changes. */
export function following(command: Command): Command {
  return asking(command).option('-f, --follow', 'go on with what changes, until Ctrl-C');
}

/** An order says why: the reason is kept with what it changes. */
export function reasonOption(byDefault: string | null): Option {
  const option = new Option('--reason <text>', 'why: kept with what it changes');
  return byDefault === null ? option.makeOptionMandatory() : option.default(byDefault);
}
