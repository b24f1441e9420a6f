import { parseRuleFile } from '#alerting';
import { createEngine, PROMQL_FEATURES, type PromqlFeature } from '#promql';
import { createSystemClock, OmoiError, openStrictDocument, type DocumentSource } from '#telemetry';
import { z } from 'zod';
import { counted, type ImportFinding } from './finding.ts';

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
  const features = featuresNeeded(source);
  const { groups, warnings } = parsed(source, features);
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

function parsed(source: DocumentSource, features: Iterable<PromqlFeature>): ReturnType<typeof parseRuleFile> {
  const engine = createEngine({ clock: createSystemClock(), features: new Set(features) });
  return parseRuleFile(source, (expr) => void engine.prepare(expr));
}

/** The features without which the file is refused; none where they would not help. */
function featuresNeeded(source: DocumentSource): readonly PromqlFeature[] {
  const isAccepted = (features: readonly PromqlFeature[]): boolean => {
    try {
      parsed(source, features);
      return true;
    } catch (thrown) {
      if (thrown instanceof OmoiError) return false;
      throw thrown;
    }
  };
  if (isAccepted([]) || !isAccepted(PROMQL_FEATURES)) return [];
  return PROMQL_FEATURES.filter(
    (feature) => !isAccepted(PROMQL_FEATURES.filter((other) => other !== feature)),
  );
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
