import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { OmoiError, messageOf } from '#telemetry';
import { CommanderError } from 'commander';
import { z } from 'zod';
import { UnknownRefusal } from './answered-error.ts';
import { createProgram, endsWithItsReader } from './program.ts';
import { aside } from './terminal/aside.ts';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

const program = createProgram(version);

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') {
    // A reader that has seen enough (`| head`) is no failure; but what a command finds out is its status all the same.
    if (endsWithItsReader(program)) process.exit(0);
    return;
  }
  aside(`omoi: what is put out can't be written: ${messageOf(error)}`);
  process.exit(1);
});
// There is nobody left to tell.
process.stderr.on('error', () => {});

try {
  await program.parseAsync();
} catch (thrown) {
  process.exitCode = thrown instanceof CommanderError ? tellUsage(thrown) : tellFailure(thrown);
}

/** Commander has said what is wrong, or shown the help that was asked for. */
function tellUsage({ exitCode }: CommanderError): number {
  return exitCode === 0 ? 0 : 2;
}

/**
 * Where a person reads on: the page of the server that refused, or the file of this installation. What is wrong with a
 * command line is said in its one line.
 */
function pageAbout({ code, details: { docs } }: OmoiError): string {
  if (typeof docs === 'string') return `\n  ${docs}`;
  if (code === 'invalid_request') return '';
  return `\n  ${fileURLToPath(new URL('../../docs/errors.md', import.meta.url))}#${code}`;
}

/** A server whose answers have another shape than this version of the command line knows. */
function tellStranger({ issues: [first] }: z.ZodError): number {
  const where = first === undefined ? '' : `: ${first.path.join('.')}: ${first.message}`;
  aside(
    `omoi: the server answers otherwise than omoi ${version} knows${where}; is the server of another version?`,
  );
  return 1;
}

function isAboutLostDirectory(thrown: unknown): boolean {
  return thrown instanceof Error && 'syscall' in thrown && thrown.syscall === 'uv_cwd';
}

function tellFailure(thrown: unknown): number {
  if (thrown instanceof z.ZodError) return tellStranger(thrown);
  if (isAboutLostDirectory(thrown)) {
    aside(
      'omoi: the working directory was removed; change into one that is there, and type the command again',
    );
    return 1;
  }
  const told = thrown instanceof OmoiError ? ` (${thrown.code})${pageAbout(thrown)}` : '';
  aside(`omoi: ${messageOf(thrown)}${told}`);
  if (!(thrown instanceof OmoiError || thrown instanceof UnknownRefusal) && thrown instanceof Error)
    aside(thrown.stack ?? '');
  // What can't be meant is a wrong command line, whoever noticed it.
  return thrown instanceof OmoiError && thrown.code === 'invalid_request' ? 2 : 1;
}
