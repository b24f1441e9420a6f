import type { Engine } from '#promql';
import {
  createSystemRandom,
  labelsKey,
  messageOf,
  OmoiError,
  type Clock,
  type Labels,
  type Queryable,
} from '#telemetry';
import { EvaluationBudget } from '../evaluation/evaluation-budget.ts';
import { promqlQueries } from '../evaluation/promql-queries.ts';
import { SeriesHolders } from '../evaluation/series-holders.ts';
import { EvaluationSlices, runInTurn } from '../evaluation/sliced-work.ts';
import { MemorySeries } from '../offline/memory-series.ts';
import { OfflineAlertRule, type OfflineAlert } from '../offline/offline-alert-rule.ts';
import { DEFAULT_ALERTING_OPTIONS } from '../options.ts';
import type { AlertingRule, RuleGroup } from '../rules/rule.ts';
import { AlertEvaluation } from '../state/alert-evaluation.ts';

export interface PreviewSettings {
  readonly engine: Engine;
  /** The samples that are stored. */
  readonly source: Queryable;
  readonly clock: Clock;
  readonly externalLabels: Labels;
  readonly externalUrl: string;
  readonly defaultIntervalMs: number;
}

/** Which times a rule is evaluated at; wall time, ms. */
export interface PreviewSpan {
  readonly fromMs: number;
  readonly toMs: number;
}

/** What one label set of a rule would have done. */
export interface PreviewedEpisode {
  readonly labels: Labels;
  readonly annotations: Labels;
  /** Since when its condition held. */
  readonly pendingMs: number;
  /** Null where it did not hold for long enough. */
  readonly firedMs: number | null;
  /** Null where it goes on at the end of the span. */
  readonly endedMs: number | null;
  /** When it was seen last. */
  readonly value: number;
}

export interface RulePreview {
  /** Between two evaluations: the interval of the group, or longer where these would be too many. */
  readonly stepMs: number;
  readonly evaluations: number;
  /** The first first. */
  readonly episodes: readonly PreviewedEpisode[];
  /** Whether later ones are not named. */
  readonly isCut: boolean;
  /** Why it could not be evaluated to the end; null where it could. */
  readonly failure: { readonly atMs: number; readonly message: string } | null;
}

/** Evaluations of a preview. */
const maxEvaluations = 720;
/** Label sets that a rule may have at once. */
const maxPreviewedSets = 1000;
const maxEpisodes = 200;
/** Of the event loop's time: whoever looks at a preview can wait. */
const PREVIEW_SHARE = 0.1;
const PREVIEW_BURST_MS = 50;

/**
 * What an alerting rule would have done over stored samples, by the functions that evaluate rules, at its group's interval, as if it had
 * been loaded when the span begins. It gives others the event loop.
 */
export async function previewRule(
  { group, rule }: { readonly group: RuleGroup; readonly rule: AlertingRule },
  { fromMs, toMs }: PreviewSpan,
  settings: PreviewSettings,
): Promise<RulePreview> {
  const intervalMs = group.intervalMs ?? settings.defaultIntervalMs;
  const stepMs = Math.max(intervalMs, Math.ceil((toMs - fromMs) / maxEvaluations / 1000) * 1000);
  const preview = new Preview({ group, rule }, settings);
  let evaluations = 0;
  for (let atMs = fromMs; atMs <= toMs; atMs += stepMs) {
    evaluations++;
    const message = await preview.evaluate(atMs - (group.queryOffsetMs ?? 0));
    if (message !== null) return { stepMs, evaluations, ...preview.result(), failure: { atMs, message } };
  }
  return { stepMs, evaluations, ...preview.result(), failure: null };
}

type OpenEpisode = { -readonly [Key in keyof PreviewedEpisode]: PreviewedEpisode[Key] };

class Preview {
  readonly #clock: Clock;
  readonly #budget: EvaluationBudget;
  readonly #rule: OfflineAlertRule;
  readonly #open = new Map<string, OpenEpisode>();
  readonly #episodes: OpenEpisode[] = [];
  #isCut = false;

  constructor(
    { group, rule }: { readonly group: RuleGroup; readonly rule: AlertingRule },
    { engine, source, clock, externalLabels, externalUrl }: PreviewSettings,
  ) {
    this.#clock = clock;
    this.#budget = new EvaluationBudget(clock, { share: PREVIEW_SHARE, burstMs: PREVIEW_BURST_MS });
    const queries = promqlQueries(engine, source);
    const evaluation = new AlertEvaluation({
      clock,
      random: createSystemRandom(),
      tracing: { startSpan: nothingIsTraced },
      options: { ...DEFAULT_ALERTING_OPTIONS, externalLabels, externalUrl },
      hostAt: (timeMs) => ({ externalUrl, timeMs, query: (expr) => queries.queryNow(expr, timeMs) }),
      graceUntilMs: () => Number.NEGATIVE_INFINITY,
    });
    const pace = { onArrival: false, resolveStabilityMs: 0 };
    const definition = { group, rule, pace, order: 0, query: queries.prepare(rule.expr) };
    // What it writes is nobody's: its series are those that are stored.
    const outlet = {
      sink: new MemorySeries(),
      refused: { add: () => undefined },
      holders: new SeriesHolders(),
    };
    this.#rule = new OfflineAlertRule({ definition, rule }, { evaluation, outlet, dataAt: () => null });
  }

  /** @returns why the rule could not be evaluated; null where it could */
  async evaluate(timeMs: number): Promise<string | null> {
    const origin = {
      source: 'rule',
      traceparent: null,
      receivedAtMs: timeMs,
      receivedMonotonicMs: 0,
    } as const;
    const moment = { timeMs, startedAtMs: timeMs, repeat: false, receivedAtMs: null, origin };
    try {
      await runInTurn(this.#rule.evaluate(moment), () => new EvaluationSlices(this.#clock, this.#budget));
    } catch (thrown) {
      if (thrown instanceof OmoiError) return messageOf(thrown);
      throw thrown;
    }
    const alerts = this.#rule.alerts();
    if (alerts.length > maxPreviewedSets)
      return `it has ${alerts.length} label sets at once; a preview ends at more than ${maxPreviewedSets}`;
    this.#note(alerts, timeMs);
    return null;
  }

  result(): Pick<RulePreview, 'episodes' | 'isCut'> {
    return { episodes: this.#episodes, isCut: this.#isCut };
  }

  #note(alerts: readonly OfflineAlert[], timeMs: number): void {
    const gone = new Map(this.#open);
    for (const alert of alerts) {
      const key = labelsKey(alert.labels);
      gone.delete(key);
      const known = this.#open.get(key);
      if (known) refresh(known, alert, timeMs);
      else this.#begin(key, alert, timeMs);
    }
    for (const [key, episode] of gone) {
      episode.endedMs = timeMs;
      this.#open.delete(key);
    }
  }

  #begin(key: string, { state, labels, annotations, value }: OfflineAlert, timeMs: number): void {
    if (this.#episodes.length >= maxEpisodes) {
      this.#isCut = true;
      return;
    }
    const firedMs = state === 'firing' ? timeMs : null;
    const episode = { labels, annotations, pendingMs: timeMs, firedMs, endedMs: null, value };
    this.#open.set(key, episode);
    this.#episodes.push(episode);
  }
}

function refresh(episode: OpenEpisode, { state, annotations, value }: OfflineAlert, timeMs: number): void {
  if (state === 'firing') episode.firedMs ??= timeMs;
  episode.annotations = annotations;
  episode.value = value;
}

function nothingIsTraced(): never {
  throw new Error('a preview begins no episodes');
}
