import { isAbsolute, join } from 'node:path';

/** A file of templates. */
export interface TemplateFile {
  readonly name: string;
  readonly text: string;
}

/** The files that a configuration names. */
export interface ConfigurationFiles {
  /** The names of what is in a folder, in whatever order; empty where there is no such folder. */
  list(folder: string): Promise<readonly string[]>;
  /** @throws where it can't be read */
  read(path: string): Promise<string>;
}

/** A configuration names at most so many files of templates. */
export const maxTemplateFiles = 1_000;

/** A pattern of `templates` that is none. */
export class BadPattern extends Error {
  override readonly name = 'BadPattern';
}

/**
 * The files that a pattern of Go's `filepath.Glob` names, in the order of their names; none is no mistake.
 * @param pattern an absolute path in which `*`, `?` and `[a-z]` stand for what has no `/`
 * @throws BadPattern
 */
export async function templateFiles(
  pattern: string,
  files: ConfigurationFiles,
): Promise<readonly TemplateFile[]> {
  const paths = await pathsOf(pattern, files);
  if (paths.length > maxTemplateFiles) {
    throw new BadPattern(`names ${paths.length} files; at most ${maxTemplateFiles}`);
  }
  return Promise.all(paths.map(async (path) => ({ name: path, text: await files.read(path) })));
}

async function pathsOf(pattern: string, files: ConfigurationFiles): Promise<readonly string[]> {
  const steps = pattern.split('/').filter((step) => step !== '');
  let folders = [isAbsolute(pattern) ? '/' : '.'];
  for (const step of steps) {
    const expression = stepExpression(step);
    const found = await Promise.all(
      folders.map(async (folder) =>
        (await files.list(folder))
          .filter((name) => expression.test(name))
          .sort()
          .map((name) => join(folder, name)),
      ),
    );
    folders = found.flat();
  }
  return folders;
}

/** `*`, `?`, `[a-z]`, `[^a]` and `\` before what is meant itself. */
function stepExpression(step: string): RegExp {
  let source = '';
  for (let at = 0; at < step.length; at++) {
    const character = step.charAt(at);
    if (character === '*') source += '.*';
    else if (character === '?') source += '.';
    else if (character === '[') {
      const end = step.indexOf(']', at + 2);
      if (end < 0) throw new BadPattern(`syntax error in pattern: ${step}`);
      source += classOf(step.slice(at + 1, end));
      at = end;
    } else {
      if (character === '\\') at++;
      const literal = step.charAt(at);
      if (literal === '') throw new BadPattern(`syntax error in pattern: ${step}`);
      source += escaped(literal);
    }
  }
  return new RegExp(`^${source}$`, 's');
}

function classOf(inside: string): string {
  const isNegated = inside.startsWith('^');
  const members = (isNegated ? inside.slice(1) : inside).replaceAll(/[\\\]^]/g, String.raw`\$&`);
  return `[${isNegated ? '^' : ''}${members}]`;
}

function escaped(literal: string): string {
  return /[\\^$.*+?()[\]{}|/-]/.test(literal) ? `\\${literal}` : literal;
}
