import type { EventBus } from '#eventbus';
import type { StateDatabase, StateTransaction } from '#storage';
import {
  backoffMs,
  type Clock,
  type Labels,
  type Logger,
  messageOf,
  OmoiError,
  type Random,
  type SelfMetrics,
  SerialQueue,
  Stretch,
  type Subscription,
  type Timer,
} from '#telemetry';
import { dueOf, LiveSilences, regexSizeOfSilence, unvaluedSetsOf } from './live-silences.ts';
import { compareSilences, type Silence, type SilenceEnd, silenceStateAt } from './silence.ts';
import type { SilenceLimits } from './silence-limits.ts';
import { SilenceLog } from './silence-log.ts';
import {
  changesInPlace,
  type CheckedOrder,
  checkKnownOrder,
  checkSilenceOrder,
  createSilenceId,
  type SilenceChange,
  type SilenceOrder,
} from './silence-order.ts';
import { bytesOfSilence, rowOfSilence, silenceOfRow } from './silence-rows.ts';

export interface SilenceParts {
  readonly database: StateDatabase;
  readonly bus: EventBus;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: Pick<SelfMetrics, 'gauge'>;
  readonly limits: SilenceLimits;
}

/** Where a page of ended silences goes on. */
export interface EndedSilencePlace {
  readonly endedAtMs: number;
  readonly id: string;
}

/** The silences whose effect is another one now: they came, began, changed or ended. It must not throw. */
export type SilenceListener = (changed: readonly Silence[]) => void;

/** What comes due is looked for at least so often: the wall clock may be set. */
const maxSleepMs = 60_000;
/** Silences whose end, or warning, is recorded in one transaction: what people ask for meanwhile goes before the next. */
export const maxDueAtOnce = 100;
const RETRY = { firstMs: 1_000, maxMs: 60_000 };

/**
 * All silences: in the database with an event for each change, and in memory as long as they have not ended. What begins and
 * ends is judged by the wall clock, as those who set silences say it.
 */
export class Silences {
  readonly #parts: SilenceParts;
  readonly #log: SilenceLog;
  readonly #live = new LiveSilences((silence, thrown) => {
    this.#tellUnreadable(silence.id, rowOfSilence(silence).matcher_sets, thrown);
  });
  #reading: Promise<void> = Promise.resolve();
  readonly #changes = new SerialQueue();
  readonly #listeners = new Set<SilenceListener>();
  #timer: Timer | null = null;
  #wakesAtMs = Infinity;
  #advancedToMs = 0;
  #failures = 0;
  #isStopped = false;

  constructor(parts: SilenceParts) {
    this.#parts = parts;
    this.#log = new SilenceLog(parts.bus);
    const help = 'Silences that have not ended.';
    parts.metrics.gauge('omoi_silences', help, () => this.#live.size);
  }

  /** Takes up those that have not ended. @throws what the database throws */
  async start(): Promise<void> {
    const { database, clock } = this.#parts;
    const rows = await database.reader
      .selectFrom('silences')
      .selectAll()
      .where('ended_at_ms', 'is', null)
      .orderBy('id')
      .execute();
    const stretch = new Stretch(clock);
    for (const row of rows) {
      try {
        this.#live.putUnread(silenceOfRow(row));
      } catch (thrown) {
        this.#tellUnreadable(row.id, row.matcher_sets, thrown);
      }
      if (stretch.isOver) await stretch.pause();
    }
    this.#advancedToMs = clock.wallMs();
    this.#reading = this.#read();
    await this.#advance();
  }

  /** Their regular expressions take a while to compile: whoever looks a label set up before waits for that, and nothing else does. */
  async #read(): Promise<void> {
    const stretch = new Stretch(this.#parts.clock);
    const reading = this.#live.reading();
    while (!this.#isStopped && !reading.next().done) if (stretch.isOver) await stretch.pause();
  }

  #tellUnreadable(id: string, matchers: string, thrown: unknown): void {
    this.#parts.logger.error(
      { silence_id: id, matchers, error: messageOf(thrown) },
      'A silence is not in force: its matchers cannot be read any more. Set it again with others.',
    );
  }

  /** Resolves when nothing is being changed any more. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#timer?.cancel();
    await Promise.all([this.#reading, this.#changes.settled()]);
  }

  /** Called after each commit. */
  onChanged(listener: SilenceListener): Subscription {
    this.#listeners.add(listener);
    return { stop: () => void this.#listeners.delete(listener) };
  }

  /** The silences in force for a label set, in no order. */
  silencesOf(labels: Labels, wallMs: number): readonly Silence[] {
    return this.#live.of(labels, wallMs);
  }

  /** Looks a label set up with pauses: `silencesOf` with the same object takes next to nothing then. */
  lookUp(labels: Labels): Generator<void, unknown> {
    return this.#live.lookUp(labels);
  }

  /** The next wall ms at which a silence begins or ends; null where none does. */
  nextChangeMs(): number | null {
    return this.#live.nextChangeMs(this.#parts.clock.wallMs());
  }

  /** One that has not ended; null where there is none of this id, or it has. */
  live(id: string): Silence | null {
    return this.#live.get(id);
  }

  /** Those that have not ended: the active ones, the next to end first, then the pending ones, the next to begin first. */
  list(): readonly Silence[] {
    return [...this.#live.all()].sort(compareSilences(this.#parts.clock.wallMs()));
  }

  /** Those that have ended, the last first, as long as they are kept. */
  async listEnded(after: EndedSilencePlace | null, limit: number): Promise<readonly Silence[]> {
    let query = this.#parts.database.reader
      .selectFrom('silences')
      .selectAll()
      .where('ended_at_ms', 'is not', null);
    if (after !== null) {
      query = query.where((row) =>
        row(row.refTuple('ended_at_ms', 'id'), '<', row.tuple(after.endedAtMs, after.id)),
      );
    }
    const rows = await query.orderBy('ended_at_ms', 'desc').orderBy('id', 'desc').limit(limit).execute();
    return rows.map(silenceOfRow);
  }

  /** @throws OmoiError `unknown_silence` */
  async get(id: string): Promise<Silence> {
    const live = this.#live.get(id);
    if (live) return live;
    const row = await this.#parts.database.reader
      .selectFrom('silences')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirst();
    if (!row) throw new OmoiError('unknown_silence', `There is no silence ${JSON.stringify(id)}.`);
    return silenceOfRow(row);
  }

  /**
   * Sets a silence, or changes one in place. Where that would change what it silenced before (other matchers, another
   * beginning, one that has ended) a new one takes its place.
   * @returns the silence as it stands, perhaps under another id
   * @throws OmoiError `invalid_silence`, `unknown_silence`, `too_many_silences`
   */
  set(order: SilenceOrder): Promise<Silence> {
    return this.#changes.run(async () => {
      const nowMs = this.#nowMs();
      const checked = checkSilenceOrder(order, nowMs);
      const before = order.id === null ? null : await this.get(order.id);
      if (before && changesInPlace(checked, before, nowMs)) {
        return this.#change({ ...changed(before, checked), updatedAtMs: nowMs });
      }
      return this.#create(checked, before, nowMs);
    });
  }

  /**
   * Moves the end of a silence that has not ended.
   * @throws OmoiError `invalid_silence`, `unknown_silence`, `silence_ended`
   */
  setEnd(id: string, endsAtMs: number, by: string): Promise<Silence> {
    return this.#changes.run(async () => {
      const nowMs = this.#nowMs();
      const silence = await this.#notEnded(id, nowMs);
      const order = checkKnownOrder({ ...silence, endsAtMs, by }, nowMs);
      return this.#change({ ...changed(silence, order), updatedAtMs: nowMs });
    });
  }

  /**
   * Changes a silence that has not ended, in place, or by another one that takes its place, as `set` does. Who changes its comment is
   * its author.
   * @returns the silence as it stands, perhaps under another id
   * @throws OmoiError `invalid_silence`, `unknown_silence`, `silence_ended`, `too_many_silences`
   */
  change(id: string, wanted: SilenceChange, by: string): Promise<Silence> {
    return this.#changes.run(async () => {
      const nowMs = this.#nowMs();
      const before = await this.#notEnded(id, nowMs);
      const { comment = before.comment } = wanted;
      const createdBy = comment === before.comment ? before.createdBy : by;
      const asked = { ...before, ...wanted, comment, createdBy, by };
      const order = wanted.matcherSets
        ? checkSilenceOrder(asked, nowMs)
        : checkKnownOrder({ ...asked, matcherSets: before.matcherSets }, nowMs);
      if (!changesInPlace(order, before, nowMs)) return this.#create(order, before, nowMs);
      return this.#change({ ...changed(before, order), updatedAtMs: nowMs });
    });
  }

  /**
   * Ends a silence before its time. Ending one that has ended changes nothing.
   * @throws OmoiError `unknown_silence`
   */
  expire(id: string, by: string): Promise<Silence> {
    return this.#changes.run(async () => {
      const silence = await this.get(id);
      if (silence.end !== null) return silence;
      const [ended = silence] = await this.#end([silence], { cause: 'expired', by, replacedBy: null });
      return ended;
    });
  }

  /**
   * An alert of that label set was resolved: silences that end with the alerts that they silence do so.
   * @param silencesMore whether another alert that fires is silenced by it: asked at once of all silences of the label set, and again
   * before they end
   */
  async alertResolved(labels: Labels, silencesMore: (silence: Silence) => Promise<boolean>): Promise<void> {
    const ending = async (): Promise<readonly Silence[]> => {
      const silences = this.silencesOf(labels, this.#nowMs()).filter(({ untilResolved }) => untilResolved);
      const more = await Promise.all(silences.map(silencesMore));
      return silences.filter((_, place) => more[place] === false);
    };
    if ((await ending()).length === 0) return;
    await this.#changes.run(async () => {
      const over = await ending();
      if (over.length > 0) await this.#end(over, { cause: 'resolved', by: null, replacedBy: null });
    });
  }

  async #notEnded(id: string, nowMs: number): Promise<Silence> {
    const silence = await this.get(id);
    if (silenceStateAt(silence, nowMs) !== 'expired') return silence;
    const instead = silence.end?.replacedBy;
    const next = instead ? `${instead} took its place` : 'set a new one';
    throw new OmoiError('silence_ended', `The silence ${id} has ended: ${next}.`);
  }

  async #create(order: CheckedOrder, before: Silence | null, nowMs: number): Promise<Silence> {
    const { database, random } = this.#parts;
    const silence: Silence = {
      id: createSilenceId(random),
      matcherSets: order.matcherSets,
      startsAtMs: Math.max(order.startsAtMs, nowMs),
      endsAtMs: order.endsAtMs,
      createdBy: order.createdBy,
      setBy: order.by,
      comment: order.comment,
      annotations: order.annotations,
      createdAtMs: nowMs,
      updatedAtMs: nowMs,
      untilResolved: order.untilResolved ?? before?.untilResolved ?? false,
      warnBeforeMs: orAsBefore(order.warnBeforeMs, before?.warnBeforeMs ?? null),
      warnedAtMs: null,
      alertId: order.alertId ?? before?.alertId ?? null,
      end: null,
    };
    const replaced = before && before.end === null ? before : null;
    this.#checkRoom(silence, replaced);
    await database.transaction(async (tx) => {
      const ended = replaced && endedAt(replaced, this.#nowMs());
      const end: SilenceEnd = { cause: 'replaced', by: order.by, replacedBy: silence.id };
      if (ended) await this.#log.end(tx, { ...ended, end }, end);
      await this.#log.create(tx, silence, before?.id ?? null);
      this.#follow(tx, ended ? [silence, { ...ended, end }] : [silence]);
    });
    return silence;
  }

  async #change(silence: Silence): Promise<Silence> {
    this.#checkSize(silence);
    await this.#parts.database.transaction(async (tx) => {
      await this.#log.change(tx, silence);
      this.#follow(tx, [silence]);
    });
    return silence;
  }

  async #end(silences: readonly Silence[], end: SilenceEnd): Promise<readonly Silence[]> {
    const nowMs = this.#nowMs();
    const ended = silences.map((silence) => ({ ...endedAt(silence, nowMs), end }));
    await this.#parts.database.transaction(async (tx) => {
      for (const silence of ended) await this.#log.end(tx, silence, end);
      this.#follow(tx, ended);
    });
    return ended;
  }

  /** Memory follows the database. */
  #follow(tx: StateTransaction, silences: readonly Silence[]): void {
    tx.afterCommit(() => {
      for (const silence of silences) {
        if (silence.end === null) this.#live.put(silence);
        else this.#live.delete(silence.id);
      }
      for (const silence of silences) if (silence.end === null) this.#wakeFor(silence);
      this.#tell(silences);
    });
  }

  #tell(silences: readonly Silence[]): void {
    if (silences.length > 0) for (const listener of this.#listeners) listener(silences);
  }

  /** @throws OmoiError `too_many_silences`, `invalid_silence` */
  #checkRoom(silence: Silence, replaced: Silence | null): void {
    const { maxSilences, maxUnvaluedMatcherSets, maxSilencesRegexSize } = this.#parts.limits;
    this.#checkSize(silence);
    if (this.#live.size - (replaced ? 1 : 0) >= maxSilences) {
      throw new OmoiError('too_many_silences', `${maxSilences} silences are set (maxSilences).`);
    }
    const more = unvaluedSetsOf(silence) - (replaced ? unvaluedSetsOf(replaced) : 0);
    if (more > 0 && this.#live.unvalued + more > maxUnvaluedMatcherSets) {
      throw new OmoiError(
        'too_many_silences',
        `${this.#live.unvalued} matcher sets of silences ask for no value of a label, of at most ` +
          `${maxUnvaluedMatcherSets} (maxUnvaluedMatcherSets): name one, as in alertname="Down".`,
      );
    }
    const size = regexSizeOfSilence(silence) - (replaced ? regexSizeOfSilence(replaced) : 0);
    if (size > 0 && this.#live.regexSize + size > maxSilencesRegexSize) {
      throw new OmoiError(
        'too_many_silences',
        `The regular expressions of the silences have a size of ${this.#live.regexSize}, with this one of more than ` +
          `${maxSilencesRegexSize} (maxSilencesRegexSize): name values, as in instance=~"web-1|web-2".`,
      );
    }
  }

  #checkSize(silence: Silence): void {
    const { maxSilenceBytes } = this.#parts.limits;
    const bytes = bytesOfSilence(silence);
    if (bytes <= maxSilenceBytes) return;
    throw new OmoiError(
      'invalid_silence',
      `silence exceeded maximum size: ${bytes} bytes (limit: ${maxSilenceBytes} bytes, maxSilenceBytes)`,
    );
  }

  #nowMs(): number {
    return Math.floor(this.#parts.clock.wallMs());
  }

  #wakeFor(silence: Silence): void {
    this.#wakeAt(dueOf(silence, this.#nowMs()));
  }

  /** Unless it wakes before that anyway. @param wallMs infinite where there is nothing to wake for */
  #wakeAt(wallMs: number): void {
    const { clock } = this.#parts;
    if (wallMs === Infinity) return;
    const nowMs = clock.wallMs();
    const atMs = Math.min(wallMs, nowMs + maxSleepMs);
    if (this.#isStopped || (this.#timer && this.#wakesAtMs <= atMs)) return;
    this.#timer?.cancel();
    this.#wakesAtMs = atMs;
    this.#timer = clock.after(Math.max(0, Math.ceil(atMs - nowMs)), () => {
      this.#timer = null;
      void this.#changes.run(() => this.#advance());
    });
  }

  /** Records what has ended and what is to be warned of, and tells of what has begun. */
  async #advance(): Promise<void> {
    const { logger, random } = this.#parts;
    if (this.#isStopped) return;
    const nowMs = this.#nowMs();
    try {
      const { ended, ending, begun } = this.#live.due(nowMs, this.#advancedToMs);
      this.#advancedToMs = nowMs;
      this.#tell(begun);
      const over = ended.slice(0, maxDueAtOnce);
      if (over.length > 0) await this.#end(over, { cause: 'time', by: null, replacedBy: null });
      const warned = ending.slice(0, maxDueAtOnce).map((silence) => ({ ...silence, warnedAtMs: nowMs }));
      if (warned.length > 0) await this.#warn(warned);
      this.#failures = 0;
      this.#wakeAt(this.#live.nextDueMs(this.#nowMs()));
    } catch (thrown) {
      const retryMs = backoffMs(++this.#failures, RETRY, random);
      logger.error(
        { error: messageOf(thrown), retry_in_ms: retryMs },
        'The end of silences could not be recorded; they have ended all the same, and it is tried again.',
      );
      this.#wakeAt(this.#nowMs() + retryMs);
    }
  }

  async #warn(warned: readonly Silence[]): Promise<void> {
    await this.#parts.database.transaction(async (tx) => {
      for (const silence of warned) await this.#log.tellEnding(tx, silence);
      tx.afterCommit(() => warned.forEach((silence) => this.#live.put(silence)));
    });
  }
}

/** What an order makes of a silence; whoever moves its end is warned of that one, too. */
function changed(before: Silence, order: CheckedOrder): Silence {
  const warnBeforeMs = orAsBefore(order.warnBeforeMs, before.warnBeforeMs);
  const isWarnedAnew = order.endsAtMs !== before.endsAtMs || warnBeforeMs !== before.warnBeforeMs;
  return {
    ...before,
    startsAtMs: order.startsAtMs,
    endsAtMs: order.endsAtMs,
    createdBy: order.createdBy,
    setBy: order.by,
    comment: order.comment,
    annotations: order.annotations,
    untilResolved: order.untilResolved ?? before.untilResolved,
    warnBeforeMs,
    warnedAtMs: isWarnedAnew ? null : before.warnedAtMs,
  };
}

function orAsBefore(ordered: number | null | undefined, before: number | null): number | null {
  return ordered === undefined ? before : ordered;
}

/** One that had not begun has neither begun nor ended later than now. */
function endedAt(silence: Silence, nowMs: number): Silence {
  return {
    ...silence,
    startsAtMs: Math.min(silence.startsAtMs, nowMs),
    endsAtMs: Math.min(silence.endsAtMs, nowMs),
    updatedAtMs: nowMs,
  };
}
