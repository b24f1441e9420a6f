/** So many of one rule stand there where more than `MAX_OF_RULE` fire. */
const SHOWN_OF_RULE = 3;
const MAX_OF_RULE = 5;

/** An alert of a list, or how many more of a rule are left out behind the ones that stand there. */
export type ListedAlert<Alert> =
  | { readonly kind: 'alert'; readonly alert: Alert }
  | { readonly kind: 'others'; readonly ruleId: string; readonly others: number };

/**
 * A list in which no rule takes the place of all the others: where many alerts of one fire the first few stand for them, until
 * somebody opens the rule.
 * @param open rules whose alerts are all shown
 */
export function foldedAlerts<Alert extends { readonly rule_id: string }>(
  alerts: readonly Alert[],
  open: ReadonlySet<string>,
): readonly ListedAlert<Alert>[] {
  const counts = new Map<string, number>();
  for (const { rule_id: ruleId } of alerts) counts.set(ruleId, (counts.get(ruleId) ?? 0) + 1);
  const seen = new Map<string, number>();
  const listed: ListedAlert<Alert>[] = [];
  for (const alert of alerts) {
    const { rule_id: ruleId } = alert;
    const count = counts.get(ruleId) ?? 0;
    const place = (seen.get(ruleId) ?? 0) + 1;
    seen.set(ruleId, place);
    const folds = count > MAX_OF_RULE && !open.has(ruleId);
    if (!folds || place <= SHOWN_OF_RULE) listed.push({ kind: 'alert', alert });
    if (folds && place === SHOWN_OF_RULE)
      listed.push({ kind: 'others', ruleId, others: count - SHOWN_OF_RULE });
  }
  return listed;
}
