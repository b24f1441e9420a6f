import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Debian's: Prometheus 2.42. */
export function isPromtoolInstalled(): boolean {
  return spawnSync('promtool', ['--version']).status === 0;
}

/**
 * What `promtool check rules` says of files: null where it takes one, else its words; absent where it said nothing, because it
 * broke down over one.
 * @param lint as promtool has it
 */
export function checkedByPromtool(
  files: ReadonlyMap<string, string>,
  lint: 'none' | 'duplicate-rules' = 'none',
): ReadonlyMap<string, string | null> {
  const folder = mkdtempSync(join(tmpdir(), 'omoi-promtool-'));
  try {
    const paths = [...files].map(([name, text]) => {
      const path = join(folder, name);
      writeFileSync(path, text);
      return path;
    });
    const verdicts = new Map<string, string | null>();
    for (let at = 0; at < paths.length; at += FILES_AT_ONCE) {
      for (const [path, verdict] of checkPaths(paths.slice(at, at + FILES_AT_ONCE), lint))
        verdicts.set(path.slice(folder.length + 1), verdict);
    }
    return verdicts;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const FILES_AT_ONCE = 500;

function checkPaths(paths: readonly string[], lint: string): ReadonlyMap<string, string | null> {
  // Standard error and output in the order in which they were written.
  const { stdout, error } = spawnSync(
    'sh',
    ['-c', 'promtool check rules "$@" 2>&1', 'sh', `--lint=${lint}`, ...paths],
    {
      encoding: 'utf8',
      maxBuffer: 256 * 1024 * 1024,
    },
  );
  if (error) throw error;
  const verdicts = new Map<string, string | null>();
  for (const [at, path] of paths.entries()) {
    const begins = stdout.indexOf(`Checking ${path}\n`);
    if (begins < 0) continue;
    const next = paths[at + 1];
    const ends = next === undefined ? -1 : stdout.indexOf(`Checking ${next}\n`, begins);
    const words = stdout.slice(begins + `Checking ${path}\n`.length, ends < 0 ? undefined : ends).trim();
    if (words.startsWith('SUCCESS')) verdicts.set(path, null);
    else if (words.startsWith('FAILED')) verdicts.set(path, words);
  }
  return verdicts;
}
