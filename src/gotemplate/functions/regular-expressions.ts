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
