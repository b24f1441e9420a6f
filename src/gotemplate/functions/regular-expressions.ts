import { compileRegex, expandReferences, messageOf, regexSizeOfMatcher, unpaced } from '#telemetry';
import { type Matcher, MatcherInput, type RE2JS } from 're2js';
import { assertTextFits } from '../limits.ts';
import { InPieces } from '../values/in-pieces.ts';
import { TemplateRunError } from '../values/value.ts';
import { LookedAtText } from './looked-at-text.ts';

/** @throws TemplateRunError */
function compilePattern(pattern: string): RE2JS {
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
/** What looking for one match may take, which nothing can interrupt: some hundredths of a second at the worst. */
export const MAX_MATCH_WORK = 1_000_000;
/** Compiling takes about as long as looking at so many characters. */
const COMPILING_CHARACTERS = 250;
/** Matches are looked for so long, in work, before a pause is offered. */
const WORK_PER_PIECE = 100_000;
/** So much work takes as long as a step of a template. */
const WORK_PER_STEP = 50;

/** In a text that is no longer, all matches take no longer than a tenth of a millisecond or some: they are not counted. */
const SHORT_CHARACTERS = 128;

interface ReplacedText {
  readonly text: string;
  /** How long what comes out may get. */
  readonly maxCharacters: number;
}

export class PatternRun {
  readonly #kept: Map<string, KeptPattern>;
  #work = 0;
  #counted = 0;

  constructor(kept: Map<string, KeptPattern>) {
    this.#kept = kept;
  }

  /** What has been done since this was asked last, in steps of a template. */
  takeEffort(): number {
    const work = this.#work - this.#counted;
    this.#counted = this.#work;
    return Math.ceil(work / WORK_PER_STEP);
  }

  /** @throws TemplateRunError where the pattern is none, the text too long for it, or the run has done too much */
  matches(pattern: string, text: string): boolean {
    const { compiled, size } = this.#patternFor(pattern, text);
    this.#spend(size * (text.length + 1));
    return compiled.test(text);
  }

  /**
   * Go's ReplaceAllString: `$1`, `${1}` and `${name}` in the replacement stand for what the groups matched. In pieces where it may
   * take long.
   * @throws TemplateRunError where the pattern is none, the text too long for it, or the run has done too much
   */
  replaceAll(pattern: string, replacement: string, options: ReplacedText): string | InPieces<string> {
    const { text } = options;
    const { compiled, size } = this.#patternFor(pattern, text);
    if (text.length > SHORT_CHARACTERS) {
      const looked = new LookedAtText(text);
      const matcher = compiled.matcher(MatcherInput.utf16(looked));
      return new InPieces(this.#replacing(matcher, replacement, { ...options, size, looked }));
    }
    this.#spend(size * (text.length + 1));
    // Most texts have no match, and that is found out faster than where one would be.
    if (!compiled.test(text)) return text;
    return unpaced(replacements(compiled.matcher(text), replacement, options));
  }

  *#replacing(
    matcher: Matcher,
    replacement: string,
    { size, looked, ...options }: ReplacedText & { readonly size: number; readonly looked: LookedAtText },
  ): Generator<void, string> {
    let pauseAt = this.#work + WORK_PER_PIECE;
    const work = replacements(matcher, replacement, options);
    for (;;) {
      const step = work.next();
      this.#spend(size * (looked.takeCount() + 1));
      if (step.done) return step.value;
      if (this.#work < pauseAt) continue;
      yield;
      pauseAt = this.#work + WORK_PER_PIECE;
    }
  }

  #patternFor(pattern: string, text: string): KeptPattern {
    const kept = this.#kept.get(pattern) ?? this.#compile(pattern);
    const maxCharacters = Math.floor(MAX_MATCH_WORK / kept.size);
    if (text.length > maxCharacters) {
      throw new TemplateRunError(
        `the text has ${text.length} characters; ${shownPattern(pattern)}, of the size ${kept.size}, is looked for in at most ${maxCharacters}`,
        { exceedsLimit: true },
      );
    }
    return kept;
  }

  #compile(pattern: string): KeptPattern {
    const size = Math.max(regexSizeOfMatcher('=~', pattern), pattern.length, 1);
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

/** Stops behind every match. */
function* replacements(
  matcher: Matcher,
  replacement: string,
  { text, maxCharacters }: ReplacedText,
): Generator<void, string> {
  let result = '';
  let copied = 0;
  let lastEnd = -1;
  while (matcher.find()) {
    const [start, end] = [matcher.start(), matcher.end()];
    // An empty match right behind another one is none.
    if (start !== end || start !== lastEnd) {
      result += text.slice(copied, start) + expandReferences(replacement, matcher);
      assertTextFits(result.length, maxCharacters);
      copied = end;
      lastEnd = end;
    }
    yield;
  }
  return result + text.slice(copied);
}

const SHOWN_CHARACTERS = 60;

function shownPattern(pattern: string): string {
  const isLong = pattern.length > SHOWN_CHARACTERS;
  return JSON.stringify(isLong ? `${pattern.slice(0, SHOWN_CHARACTERS)}…` : pattern);
}
