/** The attributes that say best what a span is about; the first that it has is shown beside its name. */
const TELLING: readonly string[] = [
  'omoi.outcome',
  'omoi.cause',
  'omoi.agent.id',
  'omoi.rule.id',
  'omoi.metric.name',
  'omoi.policy',
  'omoi.pool.id',
];

/** What a span is about, in a word or two; null where it does not say. */
export function hintOf(attributes: Readonly<Record<string, unknown>>): string | null {
  for (const name of TELLING) {
    const value = attributes[name];
    if (typeof value === 'string' && value !== '') return value.slice(value.lastIndexOf('/') + 1);
  }
  return null;
}
