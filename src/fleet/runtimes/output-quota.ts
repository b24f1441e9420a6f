import type { LogFile } from './log-directory.ts';

/** What a quota leaves of a file: so many bytes of its end. */
export interface Cut {
  readonly file: LogFile;
  readonly keptBytes: number;
}

/**
 * What has to go so that the rest fits: copies first, then the oldest. The last bytes of each stream stay, whatever the quota:
 * they say why their process ended. Where these alone are more than the quota, they are what is kept.
 * @param maxBytes that all files may have together
 * @param tailBytes that stay of each stream of each generation
 */
export function cutsFor(files: readonly LogFile[], maxBytes: number, tailBytes: number): readonly Cut[] {
  let bytes = files.reduce((sum, { size }) => sum + size, 0);
  if (bytes <= maxBytes) return [];
  const tails = tailsOf(files, tailBytes);
  const cuts: Cut[] = [];
  for (const file of files.toSorted(byWorth)) {
    if (bytes <= maxBytes) break;
    const keptBytes = tails.get(file) ?? 0;
    if (keptBytes >= file.size) continue;
    cuts.push({ file, keptBytes });
    bytes -= file.size - keptBytes;
  }
  return cuts;
}

/** How much of the end of each file belongs to the last bytes of its stream; they may begin in a copy. */
function tailsOf(files: readonly LogFile[], tailBytes: number): ReadonlyMap<LogFile, number> {
  const missing = new Map<string, number>();
  const tails = new Map<LogFile, number>();
  for (const file of files.toSorted((a, b) => a.copy - b.copy)) {
    const stream = file.copy === 0 ? file.path : file.path.slice(0, file.path.lastIndexOf('.'));
    const wanted = missing.get(stream) ?? tailBytes;
    const kept = Math.min(wanted, file.size);
    missing.set(stream, wanted - kept);
    if (kept > 0) tails.set(file, kept);
  }
  return tails;
}

/** The least worth keeping first: copies before what grows, then the oldest. */
function byWorth(a: LogFile, b: LogFile): number {
  return Number(a.copy === 0) - Number(b.copy === 0) || a.changedAtMs - b.changedAtMs;
}
