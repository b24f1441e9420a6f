import type { StateDatabase } from '#storage';
import {
  backoffMs,
  createId,
  messageOf,
  OmoiError,
  SerialQueue,
  Stretch,
  toStorable,
  type Clock,
  type Counter,
  type Logger,
  type Random,
  type SelfMetrics,
  type Sender,
  type Timer,
  type Tracing,
} from '#telemetry';
import { POSTED_RULE_KEY } from '../alerts/alert-row.ts';
import type { EpisodeEnd, EpisodeWriter, NewEpisode } from '../alerts/episode-writer.ts';
import { recordResolution, subjectOf } from '../evaluation/rule-trace.ts';
import {
  postedSinceMs,
  postedUntilMs,
  formatPostings,
  parsePostings,
  sendersOf,
  type Posting,
} from './postings.ts';
import {
  planPost,
  roomAfter,
  textsOf,
  withoutExpired,
  type HeldAlert,
  type PlannedAlert,
  type PostPlan,
} from './post-plan.ts';
import { postedRuleId, sizeProblem, type PostedAlert, type PostedFrom } from './posted-alert.ts';
import { DEFAULT_POSTED_LIMITS, type PostedLimits } from './posted-limits.ts';
import { maxAlertsPerWrite, SharedPosts, type Post } from './shared-posts.ts';
import { firingByRules, readPosted, refreshPosted, type PostedRefresh } from './posted-rows.ts';

/** Who posts again could not while Omoi was down: what ended meanwhile ends so long after the start. */
const restartGraceMs = 120_000;
/** Requests that wait for those before them. */
export const maxWaitingPosts = 100;
/** Between two looks at what has ended. */
const sweepGapMs = 250;
/** What has ended is looked for at least so often: the wall clock may be set. */
const maxSleepMs = 60_000;
const RETRY = { firstMs: 1_000, maxMs: 60_000 };

export interface PostedAlertParts {
  readonly database: StateDatabase;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: SelfMetrics;
  readonly tracing: Tracing;
  readonly episodes: EpisodeWriter;
  readonly limits?: PostedLimits;
}

/** What becomes of label sets that are held. */
interface Outcome {
  readonly begun: readonly {
    readonly fingerprint: string;
    readonly episode: NewEpisode;
    readonly held: HeldAlert;
  }[];
  readonly ended: readonly {
    readonly fingerprint: string;
    readonly held: HeldAlert;
    readonly end: EpisodeEnd;
  }[];
  readonly kept: readonly {
    readonly fingerprint: string;
    /** Null where it is forgotten. */
    readonly held: HeldAlert | null;
    readonly refresh: PostedRefresh;
  }[];
}

/**
 * The alerts that others post. Each sender holds an alert until the end that it has said, or until it says that it is over; an
 * alert fires while anybody holds it, as one episode, so that nobody ends what another says. All changes are made one after
 * the other; what is remembered is what is on disk.
 */
export class PostedAlerts {
  readonly #parts: PostedAlertParts;
  readonly #limits: PostedLimits;
  readonly #refused: Counter;
  readonly #queue = new SerialQueue();
  readonly #posts = new SharedPosts(this.#queue, (posts) => this.#take(posts));
  /** By fingerprint. */
  readonly #held = new Map<string, HeldAlert>();
  readonly #heldBy = new Map<Sender, number>();
  /** Whether it is unknown what is on disk: a write has failed, perhaps after its commit. */
  #isInDoubt = false;
  #timer: Timer | null = null;
  #wakesAtMs = Infinity;
  #failures = 0;
  #isStopped = false;
  #waiting = 0;

  constructor(parts: PostedAlertParts) {
    this.#parts = parts;
    this.#limits = parts.limits ?? DEFAULT_POSTED_LIMITS;
    const { metrics } = parts;
    this.#refused = metrics.counter(
      'omoi_posted_alerts_refused_total',
      'Alerts that were posted and not taken: they are too large, or too many.',
    );
    metrics.gauge(
      'omoi_posted_alerts',
      'Alerts that others have posted and that fire.',
      () => this.#held.size,
    );
  }

  /** Takes up those that fire. @throws what the database throws */
  async start(): Promise<void> {
    await this.#queue.run(() => this.#readHeld());
    this.#sleep();
  }

  /** Resolves when nothing is being changed any more. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#timer?.cancel();
    await this.#queue.settled();
  }

  /**
   * Resolves when they are kept.
   * @returns why some were not taken; those that are right are taken all the same
   * @throws OmoiError `ingest_busy`, and what the database throws: then they are to be posted again
   */
  async take(alerts: readonly PostedAlert[], from: PostedFrom): Promise<readonly string[]> {
    if (this.#waiting >= maxWaitingPosts) {
      this.#refused.add(alerts.length);
      const message = `${maxWaitingPosts} posts of alerts wait already (maxWaitingPosts); post them again in a moment`;
      throw new OmoiError('ingest_busy', message);
    }
    this.#waiting++;
    try {
      const problems = new Map<string, number>();
      const refuse = (problem: string): void => void problems.set(problem, (problems.get(problem) ?? 0) + 1);
      const fitting = await this.#fitting(alerts, refuse);
      for (const problem of await this.#posts.take({ alerts: fitting, from })) refuse(problem);
      for (const count of problems.values()) this.#refused.add(count);
      return [...problems].map(([problem, count]) => (count === 1 ? problem : `${problem}, ${count} times`));
    } finally {
      this.#waiting--;
    }
  }

  /** @throws OmoiError `alert_resolved` */
  resolveByHand(alertId: string): Promise<void> {
    return this.#queue.run(() =>
      this.#inCertainty(async () => {
        const { clock, episodes } = this.#parts;
        const nothing = { ruleKey: POSTED_RULE_KEY, put: [], remove: [] };
        if (!(await episodes.endByHand(alertId, Math.floor(clock.wallMs()), nothing)))
          throw new OmoiError('alert_resolved', `Alert ${alertId} has been resolved already`);
        for (const [fingerprint, held] of this.#held)
          if (held.alertId === alertId) this.#held.set(fingerprint, { ...held, isDismissed: true });
      }),
    );
  }

  /** Who posts what is too large is told so, and the others are taken. */
  async #fitting(alerts: readonly PostedAlert[], refuse: (problem: string) => void): Promise<PostedAlert[]> {
    const stretch = new Stretch(this.#parts.clock);
    const fitting: PostedAlert[] = [];
    for (const alert of alerts) {
      const problem = sizeProblem(alert, this.#limits);
      if (problem === null) fitting.push(alert);
      else refuse(problem);
      if (stretch.isOver) await stretch.pause();
    }
    return fitting;
  }

  /** @returns for each of them why some of its alerts were not taken */
  #take(posts: readonly Post[]): Promise<readonly (readonly string[])[]> {
    return this.#inCertainty(async () => {
      const nowMs = Math.floor(this.#parts.clock.wallMs());
      const plans = this.#plan(posts, nowMs);
      const isNew = ({ held, postings }: PlannedAlert): boolean => held === null && postings.length > 0;
      // What a rule of Omoi's own says of the same label set is enough.
      const known = await firingByRules(
        this.#parts.database,
        plans.flatMap(({ planned }) => planned.filter(isNew).map(({ fingerprint }) => fingerprint)),
      );
      const taken = ({ planned }: PostPlan): readonly PlannedAlert[] =>
        planned.filter((one) => !isNew(one) || !known.has(one.fingerprint));
      const outcomes = plans.map((plan) => this.#outcomeOf(taken(plan), plan.from, nowMs));
      await this.#write(
        {
          begun: outcomes.flatMap(({ begun }) => begun),
          ended: outcomes.flatMap(({ ended }) => ended),
          kept: outcomes.flatMap(({ kept }) => kept),
        },
        nowMs,
      );
      return plans.map(({ problems }) => problems);
    });
  }

  /** Of posts that have no label set in common. */
  #plan(posts: readonly Post[], nowMs: number): readonly (PostPlan & Pick<Post, 'from'>)[] {
    const heldBy = new Map<Sender, number>();
    let held = this.#held.size;
    return posts.map(({ alerts, from }) => {
      const { sender } = from;
      const heldBySender = heldBy.get(sender) ?? this.#heldBy.get(sender) ?? 0;
      const room = { limits: this.#limits, held, heldBySender };
      const find = (fingerprint: string): HeldAlert | null => this.#held.get(fingerprint) ?? null;
      const plan = planPost(alerts, { sender, nowMs, find, room });
      const left = roomAfter(room, plan);
      held = left.held;
      heldBy.set(sender, left.heldBySender);
      return { ...plan, from };
    });
  }

  #outcomeOf(planned: readonly PlannedAlert[], from: PostedFrom, nowMs: number): Outcome {
    const begun = planned
      .filter(({ held, postings }) => held === null && postings.length > 0)
      .map((one) => this.#begin(one, from, nowMs));
    const ended: Outcome['ended'][number][] = [];
    const kept: Outcome['kept'][number][] = [];
    for (const { fingerprint, alert, held, postings, endedAtMs } of planned) {
      if (!held) continue;
      if (postings.length === 0 && !held.isDismissed) {
        ended.push({ fingerprint, held, end: endOf(held, 'recovered', endedAtMs ?? nowMs) });
        continue;
      }
      const annotations = JSON.stringify(alert.annotations);
      // What is over says nothing new of those who still hold it.
      const texts = alert.endsAtMs > nowMs ? textsOf(annotations, alert.generatorUrl) : held.texts;
      const isSame = texts === held.texts;
      if (isSame && formatPostings(postings) === formatPostings(held.postings)) continue;
      const said = isSame
        ? { annotations: null, generatorUrl: null }
        : { annotations, generatorUrl: alert.generatorUrl };
      kept.push({ fingerprint, ...keptWith({ ...held, texts }, postings, said) });
    }
    return { begun, ended, kept };
  }

  #begin(
    { fingerprint, alert, postings }: PlannedAlert,
    { traceparent: parent }: PostedFrom,
    nowMs: number,
  ): Outcome['begun'][number] {
    const { random, tracing } = this.#parts;
    const alertId = createId('alrt', nowMs, random);
    const ruleId = postedRuleId(alert);
    const span = tracing.startSpan('alerting.alert', {
      parent,
      attributes: { 'omoi.rule.id': ruleId, 'omoi.alert.id': alertId, ...subjectOf(alert.labels) },
      startAtMs: nowMs,
    });
    span.end(nowMs);
    const { traceparent } = span;
    const { labels, annotations, generatorUrl } = alert;
    const texts = textsOf(JSON.stringify(annotations), generatorUrl);
    return {
      fingerprint,
      held: { alertId, ruleId, traceparent, firedAtMs: nowMs, postings, texts, isDismissed: false },
      episode: {
        alertId,
        ruleId,
        ruleKey: POSTED_RULE_KEY,
        fingerprint,
        labels,
        sourceLabels: labels,
        annotations,
        severity: severityOf(alert),
        value: Number.NaN,
        metricName: null,
        threshold: null,
        comparison: null,
        activeAtMs: postedSinceMs(postings),
        firedAtMs: nowMs,
        traceparent,
        posted: {
          senders: sendersOf(postings),
          postings: formatPostings(postings),
          untilMs: postedUntilMs(postings),
          generatorUrl,
        },
      },
    };
  }

  /** On disk first, then in memory. */
  async #write({ begun, ended, kept }: Outcome, nowMs: number): Promise<void> {
    const { database, episodes, tracing, clock } = this.#parts;
    if (begun.length + ended.length > 0) {
      const written = await episodes.write({
        begun: begun.map(({ episode }) => episode),
        ended: ended.map(({ end }) => end),
        saved: { ruleKey: POSTED_RULE_KEY, put: [], remove: [] },
      });
      for (const { fingerprint, held } of ended) {
        this.#forget(fingerprint);
        const cause = written.causes.get(held.alertId);
        if (cause === undefined) continue;
        recordResolution(tracing, held, { cause, startedAtMs: nowMs, endedAtMs: clock.wallMs() });
      }
      for (const { fingerprint, held } of begun) this.#hold(fingerprint, held);
    }
    if (kept.length > 0) {
      await database.transaction((tx) =>
        refreshPosted(
          tx,
          kept.map(({ refresh }) => refresh),
        ),
      );
      for (const { fingerprint, held } of kept) {
        if (held) this.#hold(fingerprint, held);
        else this.#forget(fingerprint);
      }
    }
    this.#sleep();
  }

  #hold(fingerprint: string, held: HeldAlert): void {
    this.#forget(fingerprint);
    this.#held.set(fingerprint, held);
    for (const { sender, endsAtMs } of held.postings) {
      this.#heldBy.set(sender, (this.#heldBy.get(sender) ?? 0) + 1);
      this.#wakesAtMs = Math.min(this.#wakesAtMs, endsAtMs);
    }
  }

  #forget(fingerprint: string): void {
    for (const { sender } of this.#held.get(fingerprint)?.postings ?? []) {
      const left = (this.#heldBy.get(sender) ?? 0) - 1;
      if (left > 0) this.#heldBy.set(sender, left);
      else this.#heldBy.delete(sender);
    }
    this.#held.delete(fingerprint);
  }

  /** Reads first what is on disk where that is not known. */
  async #inCertainty<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#isInDoubt) await this.#readHeld();
    this.#isInDoubt = true;
    try {
      const result = await work();
      this.#isInDoubt = false;
      return result;
    } catch (thrown) {
      // A refusal has changed nothing.
      if (thrown instanceof OmoiError && thrown.code === 'alert_resolved') this.#isInDoubt = false;
      throw thrown;
    }
  }

  async #readHeld(): Promise<void> {
    const { database, clock } = this.#parts;
    const nowMs = Math.floor(clock.wallMs());
    const rows = await readPosted(database, nowMs);
    this.#held.clear();
    this.#heldBy.clear();
    this.#wakesAtMs = Infinity;
    for (const row of rows) {
      const postings = parsePostings(row.posted_claims ?? '[]').map((posting) => ({
        ...posting,
        endsAtMs: posting.endsAtMs > nowMs ? posting.endsAtMs : nowMs + restartGraceMs,
      }));
      this.#hold(row.fingerprint, {
        alertId: row.id,
        ruleId: row.rule_id,
        traceparent: row.traceparent,
        firedAtMs: row.fired_at_ms,
        postings,
        texts: textsOf(row.annotations, row.generator_url ?? ''),
        isDismissed: row.state !== 'firing',
      });
    }
    this.#isInDoubt = false;
  }

  #sleep(): void {
    this.#timer?.cancel();
    this.#timer = null;
    if (this.#isStopped) return;
    const { clock } = this.#parts;
    const inMs = Math.max(sweepGapMs, Math.min(maxSleepMs, this.#wakesAtMs - clock.wallMs()));
    this.#timer = clock.after(inMs, () => void this.#queue.run(() => this.#expire()));
  }

  /** Ends what nobody has posted again in time. Never rejects: what could not be written is tried again. */
  async #expire(): Promise<void> {
    if (this.#isStopped) return;
    const nowMs = Math.floor(this.#parts.clock.wallMs());
    if (!this.#isInDoubt && this.#wakesAtMs > nowMs) return this.#sleep();
    try {
      await this.#inCertainty(async () => {
        const expired = this.#expired(nowMs);
        for (let at = 0; at < expired.length; at += maxAlertsPerWrite) {
          await this.#write(expiry(expired.slice(at, at + maxAlertsPerWrite)), nowMs);
        }
      });
      this.#failures = 0;
      this.#wakesAtMs = Math.min(...[...this.#held.values()].map(soonestEndOf), Infinity);
      this.#sleep();
    } catch (thrown) {
      this.#parts.logger.warn(
        { error: messageOf(thrown) },
        'Posted alerts that nobody has posted again not ended; it is tried again',
      );
      const inMs = backoffMs(++this.#failures, RETRY, this.#parts.random);
      this.#timer?.cancel();
      this.#timer = this.#parts.clock.after(inMs, () => void this.#queue.run(() => this.#expire()));
    }
  }

  #expired(nowMs: number): readonly Expired[] {
    const expired: Expired[] = [];
    for (const [fingerprint, held] of this.#held) {
      const { live, endedAtMs } = withoutExpired(held.postings, nowMs);
      if (endedAtMs !== null) expired.push({ fingerprint, held, live, endedAtMs });
    }
    return expired;
  }
}

interface Expired {
  readonly fingerprint: string;
  readonly held: HeldAlert;
  readonly live: readonly Posting[];
  readonly endedAtMs: number;
}

function expiry(expired: readonly Expired[]): Outcome {
  const isOver = ({ held, live }: Expired): boolean => live.length === 0 && !held.isDismissed;
  return {
    begun: [],
    ended: expired.filter(isOver).map(({ fingerprint, held, endedAtMs }) => ({
      fingerprint,
      held,
      end: endOf(held, 'expired', endedAtMs),
    })),
    kept: expired
      .filter((one) => !isOver(one))
      .map(({ fingerprint, held, live }) => ({
        fingerprint,
        ...keptWith(held, live, { annotations: null, generatorUrl: null }),
      })),
  };
}

/** What is said to have ended before it was told of here ends when it was told of. */
function endOf(
  { alertId, firedAtMs }: HeldAlert,
  cause: 'recovered' | 'expired',
  endedAtMs: number,
): EpisodeEnd {
  return { alertId, cause, resolvedAtMs: Math.max(endedAtMs, firedAtMs) };
}

/** One that a person has ended is forgotten with its last posting. */
function keptWith(
  held: HeldAlert,
  postings: readonly Posting[],
  said: Pick<PostedRefresh, 'annotations' | 'generatorUrl'>,
): Pick<Outcome['kept'][number], 'held' | 'refresh'> {
  const isLeft = postings.length > 0;
  return {
    held: isLeft ? { ...held, postings } : null,
    refresh: {
      ...said,
      alertId: held.alertId,
      postings: formatPostings(postings),
      untilMs: isLeft ? postedUntilMs(postings) : null,
      activeAtMs: postedSinceMs(isLeft ? postings : held.postings),
    },
  };
}

function soonestEndOf({ postings }: HeldAlert): number {
  return Math.min(...postings.map(({ endsAtMs }) => endsAtMs));
}

function severityOf({ labels }: PostedAlert): string {
  return toStorable(labels['severity'] ?? 'warning');
}
