import { compileRegex, expandReferences, messageOf } from '#telemetry';
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
const MAX_KEPT_PATTERNS = 1000;

/** Regular expressions of templates: what runs for each alert of a message compiles them once. */
export class Patterns {
  readonly #compiled = new Map<string, RE2JS>();

  /** @throws TemplateRunError */
  compile(pattern: string): RE2JS {
    const known = this.#compiled.get(pattern);
    if (known) return known;
    const compiled = compilePattern(pattern);
    if (this.#compiled.size >= MAX_KEPT_PATTERNS) this.#compiled.clear();
    this.#compiled.set(pattern, compiled);
    return compiled;
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
