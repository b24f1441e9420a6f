/** One instruction of a Dockerfile, its continued lines joined. */
export interface Instruction {
  readonly line: number;
  readonly keyword: string;
  readonly text: string;
}

/** What stands between one FROM and the next. */
export interface Stage {
  readonly base: string;
  readonly name: string | null;
  readonly instructions: readonly Instruction[];
}

export function parseDockerfile(text: string): readonly Stage[] {
  const stages: { base: string; name: string | null; instructions: Instruction[] }[] = [];
  for (const instruction of instructionsOf(text)) {
    if (instruction.keyword === 'FROM') {
      const [, base = '', name = null] = /^(\S+)(?: AS (\S+))?$/i.exec(instruction.text) ?? [];
      stages.push({ base, name, instructions: [] });
      continue;
    }
    const stage = stages.at(-1);
    if (!stage) throw new Error(`line ${instruction.line}: ${instruction.keyword} before the first FROM`);
    stage.instructions.push(instruction);
  }
  return stages;
}

function instructionsOf(text: string): readonly Instruction[] {
  const found: Instruction[] = [];
  let continued: { line: number; text: string } | null = null;
  for (const [index, line] of text.split('\n').entries()) {
    if (/^\s*(?:#|$)/.test(line)) continue;
    const begun: { line: number; text: string } = continued ?? { line: index + 1, text: '' };
    begun.text += line.replace(/\\$/, '');
    continued = line.endsWith('\\') ? begun : null;
    if (continued) continue;
    const [, keyword = '', rest = ''] = /^([A-Z]+)\s+(.*)$/s.exec(begun.text.trim()) ?? [];
    if (keyword === '') throw new Error(`line ${begun.line}: no instruction: ${begun.text}`);
    found.push({ line: begun.line, keyword, text: rest.replace(/\s+/g, ' ') });
  }
  if (continued) throw new Error(`line ${continued.line}: nothing follows the last \\`);
  return found;
}

/** `CMD ["a", "b"]`; null where it is left to a shell. */
export function execForm(text: string): readonly string[] | null {
  try {
    const parsed: unknown = JSON.parse(text);
    const isWords = Array.isArray(parsed) && parsed.every((word) => typeof word === 'string');
    return isWords ? parsed : null;
  } catch {
    return null;
  }
}

/** `NAME=value NAME=value`, without quotes. */
export function variablesOf(text: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    text.split(' ').map((one) => [one.slice(0, one.indexOf('=')), one.slice(one.indexOf('=') + 1)]),
  );
}

/** `--from=build a b dest` */
export function copyOf(text: string): {
  readonly from: string | null;
  readonly sources: readonly string[];
  readonly target: string;
} {
  const words = text.split(' ');
  const from = words.find((word) => word.startsWith('--from='))?.slice('--from='.length) ?? null;
  const paths = words.filter((word) => !word.startsWith('--'));
  return { from, sources: paths.slice(0, -1), target: paths.at(-1) ?? '' };
}
