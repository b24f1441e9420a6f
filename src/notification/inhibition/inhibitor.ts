import { type Labels, labelValue, matchesAll } from '#telemetry';
import type { InhibitRule, InhibitSource } from '../configuration/notification-configuration.ts';
import { MatcherIndex } from '../configuration/matchers/index.ts';
import type { NotifiedAlert } from '../notified-alert.ts';

type InhibitingAlert = Pick<NotifiedAlert, 'alertId' | 'labels'>;

/** Why nobody is told of an alert: another one, which fires, says the same and more. */
export interface Inhibition {
  readonly rule: InhibitRule;
  readonly sourceAlertId: string;
}

/** One way in which a rule finds what inhibits. */
interface Side {
  readonly rule: InhibitRule;
  /** The place of the rule in the configuration: the first that inhibits is the one that is told. */
  readonly place: number;
  readonly source: InhibitSource;
  /** What fires and matches the source, by the values of the labels that have to be equal. */
  readonly alerts: Map<string, SourceAlerts>;
}

/** Alerts that agree in the labels that have to be equal. */
interface SourceAlerts {
  /** Ids of those that match the source alone. */
  readonly oneSided: Set<string>;
  /** Ids of those that match the target, too: they inhibit nothing that matches the source, themselves above all. */
  readonly twoSided: Set<string>;
}

/**
 * Which alerts are inhibited by which, over all that fire: kept up to date alert by alert, and answered by a look-up for
 * each rule whose target the alert matches.
 */
export class Inhibitor {
  readonly #sources = new MatcherIndex<Side>();
  readonly #targets = new MatcherIndex<Side>();
  /** By alert: where it stands as a source. */
  readonly #places = new Map<string, readonly { readonly side: Side; readonly key: string }[]>();

  constructor(rules: readonly InhibitRule[]) {
    for (const [place, rule] of rules.entries()) {
      for (const source of rule.sources) {
        const side = { rule, place, source, alerts: new Map<string, SourceAlerts>() };
        this.#sources.add(side, source.matchers);
        this.#targets.add(side, rule.targetMatchers);
      }
    }
  }

  /** An alert fires. One that was there already has the labels it had. */
  add({ alertId, labels }: InhibitingAlert): void {
    if (this.#places.has(alertId)) return;
    const places = this.#sources.find(labels).map((side) => {
      const key = keyOf(labels, side.source.equal);
      let alerts = side.alerts.get(key);
      if (!alerts) side.alerts.set(key, (alerts = { oneSided: new Set(), twoSided: new Set() }));
      const isTarget = matchesAll(side.rule.targetMatchers, labels);
      (isTarget ? alerts.twoSided : alerts.oneSided).add(alertId);
      return { side, key };
    });
    if (places.length > 0) this.#places.set(alertId, places);
  }

  /** An alert is resolved: it inhibits nothing any more. @returns whether it may have inhibited something */
  remove(alertId: string): boolean {
    const places = this.#places.get(alertId) ?? [];
    for (const { side, key } of places) {
      const alerts = side.alerts.get(key);
      if (!alerts) continue;
      alerts.oneSided.delete(alertId);
      alerts.twoSided.delete(alertId);
      if (alerts.oneSided.size + alerts.twoSided.size === 0) side.alerts.delete(key);
    }
    this.#places.delete(alertId);
    return places.length > 0;
  }

  /** By what an alert is inhibited: the first rule that does it, and the first alert that it finds; null: by nothing. */
  inhibitedBy({ labels }: Pick<InhibitingAlert, 'labels'>): Inhibition | null {
    let found: Inhibition | null = null;
    let firstPlace = Infinity;
    for (const { rule, place, source, alerts } of this.#targets.find(labels)) {
      if (place >= firstPlace) continue;
      const same = alerts.get(keyOf(labels, source.equal));
      if (!same) continue;
      const [oneSided] = same.oneSided;
      const [twoSided] = same.twoSided;
      const sourceAlertId = oneSided ?? (matchesAll(source.matchers, labels) ? undefined : twoSided);
      if (sourceAlertId === undefined) continue;
      found = { rule, sourceAlertId };
      firstPlace = place;
    }
    return found;
  }
}

/** The same for label sets that agree in these labels; a missing one is empty. */
function keyOf(labels: Labels, equal: readonly string[]): string {
  let key = '';
  for (const name of equal) {
    const value = labelValue(labels, name);
    key += `${value.length}:${value}`;
  }
  return key;
}
