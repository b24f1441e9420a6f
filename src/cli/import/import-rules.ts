import { parseRuleFile } from '#alerting';
import { createEngine, PROMQL_FEATURES, type PromqlFeature } from '#promql';
import { createSystemClock, OmoiError, openStrictDocument, type DocumentSource } from '#telemetry';
import { z } from 'zod';
import { counted } from '../terminal/counted.ts';
import type { ImportFinding } from './finding.ts';

/** A rule file as far as the report is about it; it has been parsed before. */
const written = z.object({
  groups: z
    .array(
      z.object({
        name: z.string(),
        limit: z.coerce.number().optional(),
        rules: z
          .array(
            z.object({
              alert: z.string().optional(),
              record: z.string().optional(),
              labels: z.record(z.string(), z.unknown()).nullish(),
              annotations: z.record(z.string(), z.unknown()).nullish(),
            }),
          )
          .nullish(),
      }),
    )
    .nullish(),
});

type WrittenRule = NonNullable<NonNullable<z.output<typeof written>['groups']>[number]['rules']>[number];

export interface ImportedRules {
  readonly findings: readonly ImportFinding[];
  readonly groups: readonly string[];
  /** What of the experimental language its expressions need. */
  readonly features: readonly PromqlFeature[];
}

/** A call in an action of a template. */
const QUERY = /\{\{[^}]*\bquery\b/;

/**
 * What becomes of a rule file.
 * @param shippedRules the names of the rules that Omoi ships
 * @throws OmoiError `rule_file_invalid` naming every mistake with its place
 */
export function importRules(source: DocumentSource, shippedRules: readonly string[]): ImportedRules {
  const { file, features } = parsedWithFeatures(source);
  const { groups, warnings } = file;
  const rules = groups.flatMap((group) => group.rules);
  const alerts = rules.filter(({ alert }) => alert !== '').length;
  const counts = [
    counted(alerts, 'alerting rule'),
    counted(rules.length - alerts, 'recording rule'),
    counted(groups.length, 'group'),
  ];
  return {
    groups: groups.map(({ name }) => name),
    features,
    findings: [
      { verdict: 'runs', place: null, message: counts.join(', ') },
      ...features.map((feature): ImportFinding => {
        const message = `needs ${feature}, which becomes one of promql.features`;
        return { verdict: 'runs', place: null, message };
      }),
      ...warnings.map((message): ImportFinding => ({ verdict: 'differs', place: null, message })),
      ...differences(source, new Set(shippedRules)),
    ],
  };
}

/** The file with the features without which it is refused. @throws OmoiError `rule_file_invalid` where none help */
function parsedWithFeatures(source: DocumentSource) {
  const plain = attempt(source, []);
  if (!(plain instanceof OmoiError)) return { file: plain, features: [] };
  const file = attempt(source, PROMQL_FEATURES);
  if (file instanceof OmoiError) throw plain;
  const isNeeded = (feature: PromqlFeature): boolean =>
    attempt(
      source,
      PROMQL_FEATURES.filter((other) => other !== feature),
    ) instanceof OmoiError;
  return { file, features: PROMQL_FEATURES.filter(isNeeded) };
}

/** The file, or what refuses it. */
function attempt(source: DocumentSource, features: readonly PromqlFeature[]) {
  const engine = createEngine({ clock: createSystemClock(), features: new Set(features) });
  try {
    return parseRuleFile(source, (expr) => void engine.prepare(expr));
  } catch (thrown) {
    if (thrown instanceof OmoiError) return thrown;
    throw thrown;
  }
}

function differences(source: DocumentSource, shipped: ReadonlySet<string>): readonly ImportFinding[] {
  const document = openStrictDocument({ ...source, scalars: 'text' }, z.unknown(), 'rule_file_invalid');
  const parsed = written.safeParse(document.written ?? {});
  const findings: ImportFinding[] = [];
  const tell = (path: readonly PropertyKey[], message: string): void =>
    void findings.push({ verdict: 'differs', place: document.placeOf(path), message });
  for (const [at, group] of (parsed.data?.groups ?? []).entries()) {
    const path = ['groups', at];
    if ((group.limit ?? 0) > 0)
      tell([...path, 'limit'], `group ${group.name}: a rule over its limit fails, and keeps its alerts`);
    for (const [index, rule] of (group.rules ?? []).entries()) {
      const place = [...path, 'rules', index];
      const name = rule.alert ?? rule.record ?? '';
      if (shipped.has(name)) tell(place, `${name} replaces the rule of that name that Omoi ships`);
      if (queries(rule)) tell(place, `${name}: query in its templates sees the samples in memory alone`);
    }
  }
  return findings;
}

function queries({ labels, annotations }: WrittenRule): boolean {
  return [...Object.values(labels ?? {}), ...Object.values(annotations ?? {})].some((text) =>
    QUERY.test(String(text)),
  );
}
