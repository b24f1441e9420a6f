import type { StateDatabase } from '#storage';
import {
  type Counter,
  labelsKey,
  type Logger,
  messageOf,
  parseLabels,
  type ResolutionCause,
} from '#telemetry';
import { AlertRefreshes, refreshAlerts, type AlertRefresh } from '../alerts/alert-refresh.ts';
import { readEndedByHand, readFiringAlerts } from '../alerts/alert-row.ts';
import type {
  EpisodeEnd,
  EpisodeWriter,
  NewEpisode,
  OpenedEpisode,
  WrittenEpisodes,
} from '../alerts/episode-writer.ts';
import { writeSavedStates } from '../alerts/saved-state-rows.ts';
import { AlertSeries } from '../evaluation/alert-series.ts';
import type { RuleOutlet } from '../evaluation/rule-outlet.ts';
import { waitFor, type SlicedWork } from '../evaluation/sliced-work.ts';
import type { AlertPlan, Fired, Resolved } from './alert-plan.ts';
import type { WriteMoment } from './evaluation-moment.ts';
import type { Instance } from './instance.ts';
import { fromFiring, restoreInstances, type RestoreTimes, type SavedRule } from './restore.ts';
import { SavedStates } from './saved-states.ts';
import { postponed } from './transition.ts';

/**
 * Episodes of one transaction. Many begin and end in several, one after the other, so that those of another rule wait
 * for one of them at most.
 */
const MAX_EPISODES_PER_TRANSACTION = 100;
/** Label sets or values of firing alerts that are saved in one transaction. */
const MAX_SAVED_PER_TRANSACTION = 200;
/** So few rows cost next to nothing: what waits behind them need not wait for others. */
const MAX_SAVED_URGENTLY = 20;

export interface AlertStatesParts {
  readonly database: StateDatabase;
  readonly episodes: EpisodeWriter;
  readonly logger: Logger;
  readonly outlet: RuleOutlet;
  /** Counts evaluations whose alerts could not be committed. */
  readonly uncommitted: Counter;
}

/** How episodes begin and what is recorded of their end. */
export interface EpisodeTexts {
  begin(fired: readonly Fired[]): SlicedWork<readonly NewEpisode[]>;
  /** @param cause as it was committed */
  ended(instance: Instance, cause: ResolutionCause): void;
}

/**
 * The label sets of one alerting rule, what of them is on disk, and their series. Its owner calls one method at a time.
 * Where it is unknown whether a transaction went through, what is on disk is read before anything else is decided.
 */
export class AlertStates {
  readonly #ruleKey: string;
  readonly #parts: AlertStatesParts;
  readonly #saved: SavedStates;
  readonly #refreshes = new AlertRefreshes();
  readonly #series: AlertSeries;
  #instances = new Map<string, Instance>();
  #isCertain = true;
  /** Whether label sets have changed whose series say otherwise. */
  #isUnwritten = false;

  constructor(ruleKey: string, parts: AlertStatesParts) {
    this.#ruleKey = ruleKey;
    this.#parts = parts;
    this.#saved = new SavedStates(ruleKey);
    this.#series = new AlertSeries(parts.outlet);
  }

  get instances(): ReadonlyMap<string, Instance> {
    return this.#instances;
  }

  /** Whether something waits to be saved. */
  get isUnsaved(): boolean {
    return this.#saved.isChanged || this.#refreshes.isChanged;
  }

  /** Whether label sets are on disk as they are now, so that it may be confirmed. */
  get isConfirmable(): boolean {
    return !this.#saved.isEmpty && !this.#saved.isChanged;
  }

  /** Takes the label sets up as they were left. Their series go on, and end where an alert does. */
  *restore(rows: SavedRule, times: RestoreTimes, at: WriteMoment): SlicedWork<void> {
    this.#instances = restoreInstances(rows, times);
    for (const { fingerprint } of rows.states) {
      this.#saved.found(fingerprint);
      this.#saved.note(fingerprint, null);
    }
    for (const instance of this.#instances.values()) {
      // Times may have moved by the downtime.
      if (instance.phase.kind !== 'firing') this.#saved.note(instance.fingerprint, instance);
      yield;
    }
    yield* this.#series.write(this.#instances, at);
  }

  /** Moves what waits by a time in which nothing was seen: it counts neither for `for` nor for `keep_firing_for`. */
  *postpone(byMs: number): SlicedWork<void> {
    for (const [key, instance] of this.#instances) {
      const phase = postponed(instance.phase, byMs);
      if (phase === instance.phase) continue;
      const moved = { ...instance, phase };
      this.#instances.set(key, moved);
      this.#saved.note(instance.fingerprint, moved);
      this.#isUnwritten = true;
      yield;
    }
  }

  /** Reads what is on disk where that is uncertain. @throws where it can't be read */
  *makeCertain(): SlicedWork<void> {
    if (this.#isCertain) return;
    const { database } = this.#parts;
    const rows = yield* waitFor(readFiringAlerts(database, this.#ruleKey));
    const firing = new Map(rows.map((row) => [row.id, row]));
    const ended: Instance[] = [];
    for (const instance of this.#instances.values()) {
      if (instance.alertId !== null && !firing.delete(instance.alertId)) ended.push(instance);
    }
    for (let at = 0; at < ended.length; at += MAX_SAVED_PER_TRANSACTION) {
      const some = ended.slice(at, at + MAX_SAVED_PER_TRANSACTION);
      const ids = some.map(({ alertId }) => alertId ?? '');
      const byHand = yield* waitFor(readEndedByHand(database, ids));
      for (const instance of some) {
        if (byHand.has(instance.alertId ?? '')) this.#dismiss(instance);
        else this.#drop(instance);
      }
    }
    for (const row of firing.values()) {
      const key = labelsKey(parseLabels(row.labels));
      this.#instances.set(key, fromFiring(row));
      this.#saved.note(row.fingerprint, null);
    }
    this.#isUnwritten ||= ended.length + firing.size > 0;
    this.#isCertain = true;
  }

  /**
   * Has a plan happen: what is pending changes at once, episodes as they are committed.
   * @returns false where some could not be committed; they are planned anew by the next evaluation
   */
  *carryOut(plan: AlertPlan, texts: EpisodeTexts, at: WriteMoment): SlicedWork<boolean> {
    this.#instances = plan.next;
    for (const [fingerprint, instance] of plan.toSave) this.#saved.note(fingerprint, instance);
    let isChanged = plan.isChanged;
    let isDone = true;
    for (const batch of inBatches(plan)) {
      const begun = yield* texts.begin(batch.fired);
      const causes = yield* this.#commit(batch, begun, at.timeMs);
      isDone = causes !== null;
      if (!causes) break;
      isChanged = true;
      for (const { instance, cause } of batch.resolved) {
        texts.ended(instance, causes.get(instance.alertId ?? '') ?? cause);
      }
      yield;
    }
    if (isChanged || at.repeat || this.#isUnwritten) yield* this.#series.write(this.#instances, at);
    this.#isUnwritten = false;
    return isDone;
  }

  /** Notes what is new about a firing alert; `saveSome` writes it. */
  refresh(alertId: string, refresh: AlertRefresh): void {
    this.#refreshes.note(alertId, refresh);
  }

  /**
   * A person ends the alert: it is silent until its condition was false once, over a restart too. Where it has been seen to be
   * false already, the next time that it holds is news.
   * @returns false where it has ended already
   * @throws where it is unknown whether it was committed
   */
  *resolveByHand(alertId: string, at: WriteMoment): SlicedWork<boolean> {
    yield* this.makeCertain();
    const instance = [...this.#instances.values()].find((one) => one.alertId === alertId);
    const silent = instance && dismissed(instance);
    const saved = silent
      ? this.#saved.putting(silent, at.timeMs)
      : this.#saved.removalOf(instance ? [instance.fingerprint] : []);
    let ended: boolean;
    try {
      ended = yield* waitFor(this.#parts.episodes.endByHand(alertId, at.timeMs, saved));
    } catch (thrown) {
      this.#isCertain = false;
      this.#saved.unanswered(saved);
      throw thrown;
    }
    if (instance) {
      this.#dismiss(instance);
      this.#saved.written(saved);
      this.#series.end(instance.key, at);
    }
    return ended;
  }

  /** The rule was removed: its alerts end by that person's hand, and nothing of it is remembered. @throws */
  *endAll(at: WriteMoment): SlicedWork<void> {
    yield* this.makeCertain();
    const resolved = [...this.#instances.values()]
      .filter(({ alertId }) => alertId !== null)
      .map((instance) => ({ instance, cause: 'manual' as const }));
    for (const batch of inBatches({ fired: [], resolved })) {
      if ((yield* this.#commit(batch, [], at.timeMs)) === null) {
        throw new Error(`the alerts of the removed rule ${this.#ruleKey} could not be ended`);
      }
    }
    for (const instance of this.#instances.values()) this.#drop(instance);
    while (!this.#saved.isEmpty) {
      const change = this.#saved.removalOfAll(MAX_SAVED_PER_TRANSACTION);
      yield* waitFor(this.#parts.database.transaction((tx) => writeSavedStates(tx, change)));
      this.#saved.written(change);
    }
    yield* this.#series.write(this.#instances, at);
  }

  /**
   * Saves what waits for it, in one transaction of bounded size. The rule is not evaluated meanwhile, so that one with few
   * alerts saves them before others. @throws where it could not; it goes on waiting
   */
  async saveSome(nowMs: number): Promise<void> {
    const change = this.#saved.next(MAX_SAVED_PER_TRANSACTION, nowMs);
    const refreshed = this.#refreshes.next(MAX_SAVED_PER_TRANSACTION);
    const rows = change.put.length + change.remove.length + refreshed.length;
    if (rows === 0) return;
    try {
      await this.#parts.database.transaction(
        async (tx) => {
          await writeSavedStates(tx, change);
          await refreshAlerts(tx, refreshed);
        },
        { urgent: rows <= MAX_SAVED_URGENTLY },
      );
    } catch (thrown) {
      this.#saved.unanswered(change);
      throw thrown;
    }
    this.#saved.written(change);
    this.#refreshes.written(refreshed);
  }

  /** @returns why episodes ended, as `WrittenEpisodes` tells; null where it could not be committed */
  *#commit(
    batch: Transitions,
    begun: readonly NewEpisode[],
    resolvedAtMs: number,
  ): SlicedWork<WrittenEpisodes['causes'] | null> {
    const saved = this.#saved.removalOf(fingerprintsOf(batch));
    const ended = batch.resolved.flatMap(({ instance: { alertId }, cause }) =>
      alertId === null ? [] : [{ alertId, cause, resolvedAtMs }],
    );
    try {
      const { opened, causes } = yield* waitFor(this.#parts.episodes.write({ begun, ended, saved }));
      this.#saved.written(saved);
      this.#apply(batch, opened);
      return causes;
    } catch (thrown) {
      this.#isCertain = false;
      this.#parts.uncommitted.add(1);
      this.#parts.logger.error(
        { rule: this.#ruleKey, error: messageOf(thrown) },
        'Alerts could not be committed; the rule is evaluated again in a second',
      );
      return null;
    }
  }

  #apply(batch: Transitions, opened: readonly OpenedEpisode[]): void {
    this.#saved.drop(fingerprintsOf(batch));
    for (const { instance } of batch.resolved) this.#drop(instance);
    batch.fired.forEach(({ instance }, place) => {
      const episode = opened[place];
      if (episode) this.#instances.set(instance.key, { ...instance, ...episodeOf(episode) });
    });
  }

  /** The label set becomes inactive. */
  #drop(instance: Instance): void {
    this.#instances.delete(instance.key);
    this.#saved.note(instance.fingerprint, null);
    if (instance.alertId !== null) this.#refreshes.forget(instance.alertId);
  }

  #dismiss(instance: Instance): void {
    const after = dismissed(instance);
    if (!after) return this.#drop(instance);
    this.#instances.set(instance.key, after);
    this.#saved.note(instance.fingerprint, after);
    if (instance.alertId !== null) this.#refreshes.forget(instance.alertId);
  }
}

/** Episodes that begin and end in one transaction. */
interface Transitions {
  readonly fired: readonly Fired[];
  readonly resolved: readonly (Omit<Resolved, 'cause'> & { readonly cause: EpisodeEnd['cause'] })[];
}

function* inBatches({ fired, resolved }: Transitions): Generator<Transitions> {
  for (let at = 0; at < resolved.length + fired.length; at += MAX_EPISODES_PER_TRANSACTION) {
    const end = at + MAX_EPISODES_PER_TRANSACTION;
    const fromFired = Math.max(0, at - resolved.length);
    yield {
      resolved: resolved.slice(at, end),
      fired: fired.slice(fromFired, Math.max(0, end - resolved.length)),
    };
  }
}

function fingerprintsOf({ fired, resolved }: Transitions): readonly string[] {
  return [...fired, ...resolved].map(({ instance }) => instance.fingerprint);
}

function episodeOf({ alertId, traceparent }: OpenedEpisode): Pick<Instance, 'alertId' | 'traceparent'> {
  return { alertId, traceparent };
}

/** After a person has ended it; null: inactive, since its condition has been false since it fired. */
function dismissed(instance: Instance): Instance | null {
  if (instance.phase.kind === 'keep_firing') return null;
  const { activeAtMs } = instance.phase;
  return { ...instance, phase: { kind: 'dismissed', activeAtMs }, alertId: null, traceparent: null };
}
