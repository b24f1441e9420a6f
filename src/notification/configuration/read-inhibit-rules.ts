import { inhibitRuleSchema } from './configuration-schema.ts';
import { itemsOf, soundKeys, type Findings } from './findings.ts';
import { isLabelName, type MatcherMode } from './matchers/index.ts';
import type { InhibitRule } from './notification-configuration.ts';
import { readMatchers } from './read-matchers.ts';

/** @param written the `inhibit_rules` of a file */
export function readInhibitRules(
  written: unknown,
  reader: { readonly findings: Findings; readonly mode: MatcherMode },
): readonly InhibitRule[] {
  const { findings, mode } = reader;
  return itemsOf(written).map((item, index): InhibitRule => {
    const path = ['inhibit_rules', index];
    const keys = soundKeys(inhibitRuleSchema, item ?? {});
    const source = {
      match: keys.source_match,
      match_re: keys.source_match_re,
      matchers: keys.source_matchers,
    };
    const target = {
      match: keys.target_match,
      match_re: keys.target_match_re,
      matchers: keys.target_matchers,
    };
    keys.equal.forEach((name, at) => {
      if (isLabelName(name, mode)) return;
      findings.problem([...path, 'equal', at], `invalid label name "${name}" in equal list`);
    });
    return {
      name: keys.name,
      sources: [{ matchers: readMatchers(source, { path, prefix: 'source_' }, reader), equal: keys.equal }],
      targetMatchers: readMatchers(target, { path, prefix: 'target_' }, reader),
      equal: keys.equal,
    };
  });
}
