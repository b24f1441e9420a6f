import type { StateDatabase } from '#storage';
import { OmoiError, type Clock } from '#telemetry';
import type { EpisodeJournal } from '../alerts/episode-journal.ts';
import type { RuleQuery } from '../evaluation/rule-query.ts';
import type { RuleOutlet } from '../evaluation/series-writer.ts';
import { RuleRun, type LoadedRule } from '../evaluation/rule-run.ts';
import { paceOf, type AlertingOptions } from '../options.ts';
import type { RuleGroup } from './rule.ts';
import { parseRuleFile, type RuleFile } from './rule-file.ts';
import { registerRules } from './rule-registry.ts';
import { buildRuleGroups } from './rule-set.ts';

export interface RuleBookParts {
  readonly clock: Clock;
  readonly database: StateDatabase;
  readonly journal: EpisodeJournal;
  readonly outlet: RuleOutlet;
  readonly options: AlertingOptions;
  /** @throws OmoiError `query_invalid` */
  readonly prepare: (expr: string) => RuleQuery;
  /** Called in the turn in which the rules change, after those that are gone were stopped. */
  readonly onSwap: (change: RuleChange) => void;
}

/** What a reload changed. */
export interface RuleChange {
  /** New and changed rules, not yet running. */
  readonly begun: readonly RuleRun[];
  /** Removed and replaced ones, stopped. */
  readonly ended: readonly RuleRun[];
  /** Those of `ended` that nothing replaces. */
  readonly removed: readonly RuleRun[];
}

export interface LoadReport {
  readonly groups: number;
  readonly rules: number;
  readonly changed: number;
  readonly removed: number;
  /** `file: duplicate rule: …` */
  readonly warnings: readonly string[];
}

/** The rules that run. A reload does all that can fail first and then swaps; unchanged rules notice nothing of it. */
export class RuleBook {
  readonly #parts: RuleBookParts;
  #groups: readonly RuleGroup[] = [];
  #runs: ReadonlyMap<string, RuleRun> = new Map();
  #loading: Promise<unknown> = Promise.resolve();

  constructor(parts: RuleBookParts) {
    this.#parts = parts;
  }

  get groups(): readonly RuleGroup[] {
    return this.#groups;
  }

  /** By rule key, in the order of files, groups and rules. */
  get runs(): ReadonlyMap<string, RuleRun> {
    return this.#runs;
  }

  /**
   * Replaces all rules by those of the files.
   * @throws OmoiError `rule_file_invalid` naming every mistake in every file; the old rules keep running
   */
  load(files: readonly { readonly name: string; readonly text: string }[]): Promise<LoadReport> {
    const result = this.#loading.then(() => this.#load(files));
    this.#loading = result.catch(() => undefined);
    return result;
  }

  async #load(files: readonly { readonly name: string; readonly text: string }[]): Promise<LoadReport> {
    const parsed = this.#parse(files);
    const groups = buildRuleGroups(parsed);
    const loaded = this.#prepare(groups);
    const kept = new Map<string, RuleRun>();
    for (const [key, next] of loaded) {
      const run = this.#runs.get(key);
      if (run && isUnchanged(run.loaded, next)) kept.set(key, run);
    }
    const ended = [...this.#runs].filter(([key]) => !kept.has(key)).map(([, run]) => run);
    const removed = ended.filter(
      (run) => loaded.get(run.loaded.rule.key)?.rule.kind !== run.loaded.rule.kind,
    );
    const begun = await holding(ended, async () => {
      await this.#commit(groups, removed);
      return this.#swap(groups, loaded, { kept, ended, removed });
    });
    return {
      groups: groups.length,
      rules: loaded.size,
      changed: begun,
      removed: removed.length,
      warnings: parsed.flatMap((file) => file.warnings.map((warning) => `${file.name}: ${warning}`)),
    };
  }

  #parse(files: readonly { readonly name: string; readonly text: string }[]): readonly RuleFile[] {
    const parsed: RuleFile[] = [];
    const failures: OmoiError[] = [];
    for (const file of files) {
      try {
        parsed.push(parseRuleFile(file, (expr) => this.#parts.prepare(expr)));
      } catch (thrown) {
        if (!(thrown instanceof OmoiError)) throw thrown;
        failures.push(thrown);
      }
    }
    if (failures.length === 0) return parsed;
    throw new OmoiError('rule_file_invalid', failures.map(({ message }) => message).join('\n'), {
      files: failures.map(({ details }) => details),
    });
  }

  #prepare(groups: readonly RuleGroup[]): ReadonlyMap<string, LoadedRule> {
    const loaded = new Map<string, LoadedRule>();
    for (const group of groups) {
      const pace = paceOf(group.name, this.#parts.options);
      for (const rule of group.rules) {
        const query = this.#parts.prepare(rule.expr);
        loaded.set(rule.key, { rule, group, pace, query, order: loaded.size });
      }
    }
    return loaded;
  }

  /** Alerts of a rule that somebody removed end by that person's hand. */
  async #commit(groups: readonly RuleGroup[], removed: readonly RuleRun[]): Promise<void> {
    const { database, journal, clock } = this.#parts;
    await database.transaction(async (tx) => {
      await registerRules(tx, groups);
      for (const run of removed) {
        for (const { alertId } of run.instances.values()) {
          if (alertId === null) continue;
          await journal.end(tx, { alertId, cause: 'manual', resolvedAtMs: Math.floor(clock.wallMs()) });
        }
      }
    });
  }

  #swap(
    groups: readonly RuleGroup[],
    loaded: ReadonlyMap<string, LoadedRule>,
    change: {
      readonly kept: ReadonlyMap<string, RuleRun>;
      readonly ended: readonly RuleRun[];
      readonly removed: readonly RuleRun[];
    },
  ): number {
    const runs = new Map<string, RuleRun>();
    const begun: RuleRun[] = [];
    for (const [key, next] of loaded) {
      const kept = change.kept.get(key);
      if (kept) {
        kept.loaded = { ...next, query: kept.loaded.query };
        runs.set(key, kept);
        continue;
      }
      const before = this.#runs.get(key);
      const run = new RuleRun(next, this.#parts.outlet, before?.clock.lastMs ?? 0);
      // The alerts of a changed rule live on: its next evaluation says which of them still hold.
      if (before && next.rule.kind === 'alerting') run.instances = before.instances;
      runs.set(key, run);
      begun.push(run);
    }
    for (const run of change.ended) run.stop();
    this.#groups = groups;
    this.#runs = runs;
    this.#parts.onSwap({ begun, ended: change.ended, removed: change.removed });
    return begun.length;
  }
}

function isUnchanged(before: LoadedRule, next: LoadedRule): boolean {
  return (
    before.rule.hash === next.rule.hash &&
    before.group.file === next.group.file &&
    before.pace.onArrival === next.pace.onArrival &&
    before.pace.resolveStabilityMs === next.pace.resolveStabilityMs
  );
}

/** Does `work` while none of the rules can be evaluated or changed by anybody else. */
async function holding<Result>(runs: readonly RuleRun[], work: () => Promise<Result>): Promise<Result> {
  const released = Promise.withResolvers<void>();
  const held = runs.map((run) => {
    const acquired = Promise.withResolvers<void>();
    void run.exclusively(() => {
      acquired.resolve();
      return released.promise;
    });
    return acquired.promise;
  });
  await Promise.all(held);
  try {
    return await work();
  } finally {
    released.resolve();
  }
}
