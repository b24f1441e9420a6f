import type { Matcher } from '#telemetry';

/**
 * Whether an alert of a rule can have labels that all matchers accept.
 * @param labels the rule's, as they are written, with `alertname`; what they do not name or a template gives may be anything
 */
export function mayMatch(matchers: readonly Matcher[], labels: ReadonlyMap<string, string>): boolean {
  return matchers.every((matcher) => {
    const written = labels.get(matcher.name);
    return written === undefined || written.includes('{{') || matcher.matches(written);
  });
}
