import { compileRegex, expandReferences, messageOf, regexSizeOfMatcher } from '#telemetry';
import type { RE2JS } from 're2js';
import { TemplateRunError } from '../values/value.ts';

/** @throws TemplateRunError */
export function compilePattern(pattern: string): RE2JS {
  try {
    return compileRegex(pattern, 'in_line');
  } catch (thrown) {
    throw new TemplateRunError(messageOf(thrown));
  }
}

/** How many regular expressions are kept compiled. */
export const MAX_KEPT_PATTERNS = 1000;

interface KeptPattern {
  readonly compiled: RE2JS;
  /** About how many steps it takes with one character. */
  readonly size: number;
}

/** Regular expressions of templates: what runs for each alert of a message compiles them once. */
export class Patterns {
  readonly #kept = new Map<string, KeptPattern>();

  /** Those that are compiled already, for one run of a template. */
  forRun(): PatternRun {
    return new PatternRun(this.#kept);
  }
}

/**
 * What the regular expressions of one run may take: characters looked at, times the size of the expression. A unit is some
 * 8 ns where an expression is at its worst, and far less where it is as people write them.
 */
export const MAX_PATTERN_WORK = 100_000_000;
/** Compiling takes about as long as looking at so many characters. */
const COMPILING_CHARACTERS = 250;

export class PatternRun {
  readonly #kept: Map<string, KeptPattern>;
  #work = 0;

  constructor(kept: Map<string, KeptPattern>) {
    this.#kept = kept;
  }

  /** @throws TemplateRunError where the pattern is none, or the run has done too much */
  matches(pattern: string, text: string): boolean {
    return this.#patternFor(pattern, text).matcher(text).find();
  }

  /** @throws TemplateRunError where the pattern is none, or the run has done too much */
  replaceAll(pattern: string, replacement: string, text: string): string {
    return replaceAll(this.#patternFor(pattern, text), replacement, text);
  }

  #patternFor(pattern: string, text: string): RE2JS {
    const { compiled, size } = this.#kept.get(pattern) ?? this.#compile(pattern);
    this.#spend(size * (text.length + 1));
    return compiled;
  }

  #compile(pattern: string): KeptPattern {
    const size = Math.max(regexSizeOfMatcher('=~', pattern), pattern.length);
    this.#spend(size * COMPILING_CHARACTERS);
    const kept = { compiled: compilePattern(pattern), size };
    if (this.#kept.size >= MAX_KEPT_PATTERNS) this.#kept.clear();
    this.#kept.set(pattern, kept);
    return kept;
  }

  #spend(work: number): void {
    this.#work += work;
    if (this.#work <= MAX_PATTERN_WORK) return;
    throw new TemplateRunError(`regular expressions exceeded ${MAX_PATTERN_WORK} steps`);
  }
}

/** Go's ReplaceAllString: `$1`, `${1}` and `${name}` in the replacement stand for what the groups matched. */
export function replaceAll(pattern: RE2JS, replacement: string, text: string): string {
  const matcher = pattern.matcher(text);
  let result = '';
  let copied = 0;
  let lastEnd = -1;
  while (matcher.find()) {
    const [start, end] = [matcher.start(), matcher.end()];
    // An empty match right behind another one is none.
    if (start === end && start === lastEnd) continue;
    result += text.slice(copied, start) + expandReferences(replacement, matcher);
    copied = end;
    lastEnd = end;
  }
  return result + text.slice(copied);
}
