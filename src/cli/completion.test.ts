import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { completionScript, completionsOf, SHELLS } from './completion.ts';
import { createProgram } from './program.ts';

const program = createProgram('0.0.0');
let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'omoi-completion-'));
  for (const shell of SHELLS) writeFileSync(join(directory, shell), completionScript(shell, program));
});
afterAll(() => rmSync(directory, { recursive: true }));

/** What bash offers at the end of a line. */
function offered(line: string): readonly string[] {
  const words = line.split(' ');
  const script = `source ${directory}/bash; COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; _omoi; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return execFileSync('bash', ['--norc', '-c', script], { encoding: 'utf8' }).split('\n').filter(Boolean);
}

describe('the completion of bash', () => {
  it.each([
    ['omoi ag', ['agents']],
    ['omoi agents re', ['restart', 'release']],
    ['omoi agents restart w-1 --w', ['--wait']],
    ['omoi --help agents list --st', ['--status']],
    ['omoi token cr', ['create']],
    ['omoi completion ', ['bash', 'zsh', 'fish']],
    ['omoi run -- agents re', []],
    ['omoi nonsense x', []],
  ])('of `%s`', (line, words) => {
    expect(offered(line).filter((word) => !word.startsWith('--') || line.includes(' --'))).toEqual(words);
  });

  it('offers every command and option that there is', () => {
    for (const { path, words } of completionsOf(program)) {
      const found = new Set(offered(['omoi', ...path, ''].join(' ')));
      expect(words.filter(({ word }) => !found.has(word)).map(({ word }) => [...path, word])).toEqual([]);
    }
  });
});

const hasShell = (shell: string): boolean => {
  try {
    execFileSync(shell, ['-c', 'true']);
    return true;
  } catch {
    return false;
  }
};

describe('the completion of other shells', () => {
  it.each(['zsh', 'fish'].filter(hasShell))('can be read by %s', (shell) => {
    expect(() => execFileSync(shell, ['-n', join(directory, shell)])).not.toThrow();
  });

  it.each(['zsh', 'fish'])('names each command in %s', (shell) => {
    const script = completionScript(shell as 'zsh', program);
    for (const name of ['agents', 'quarantine', 'remediations']) expect(script).toContain(name);
  });
});
