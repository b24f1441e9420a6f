import type { PromqlFeatures } from '#promql';
import type { StateDatabase } from '#storage';
import { paced, SerialQueue, Stretch, type Clock } from '#telemetry';
import type { RuleQuery } from '../evaluation/rule-query.ts';
import { paceOf, type AlertingOptions } from '../options.ts';
import type { RuleState } from '../state/rule-state.ts';
import { isSameRule, type LoadedRule } from './loaded-rule.ts';
import type { RuleGroup } from './rule.ts';
import type { RuleFileText } from './rule-file.ts';
import { readRuleFiles } from './rule-file-reader.ts';
import { buildRuleGroups } from './rule-set.ts';
import { readKnownRules, registerRules, ruleTableChange } from './rule-table.ts';

export interface LoadedRulesParts {
  readonly database: StateDatabase;
  readonly clock: Clock;
  readonly options: AlertingOptions;
  /** Of the language: what of it is on. */
  readonly features: PromqlFeatures;
  /** @throws OmoiError `query_invalid` */
  readonly prepare: (expr: string) => RuleQuery;
  /** The state of a rule that is new. */
  readonly createState: (definition: LoadedRule) => RuleState;
  /** Called in the turn in which the rules change. Resolves when what has changed was handed over. */
  readonly onChange: (change: RuleChange) => Promise<void>;
}

/** A rule, and the definition under which it goes on. */
interface RedefinedRule {
  readonly rule: RuleState;
  readonly definition: LoadedRule;
}

/** What a load changed. */
export interface RuleChange {
  readonly added: readonly RuleState[];
  /** Rules that go on under another definition. */
  readonly changed: readonly RedefinedRule[];
  readonly removed: readonly RuleState[];
}

interface ComparedRules extends RuleChange {
  readonly states: ReadonlyMap<string, RuleState>;
  /** Rules that have not changed; their place among the others may have. */
  readonly same: readonly RedefinedRule[];
}

export interface LoadReport {
  readonly groups: number;
  readonly rules: number;
  /** New and changed rules. */
  readonly changed: number;
  readonly removed: number;
  /** `file: duplicate rule: …` */
  readonly warnings: readonly string[];
}

/**
 * The rules that are loaded, each with its state. A load does all that can fail first and then swaps; unchanged rules
 * notice nothing of it, changed ones are handed over by their own state.
 */
export class LoadedRules {
  readonly #parts: LoadedRulesParts;
  readonly #loading = new SerialQueue();
  /** Removed rules whose alerts have not ended yet, by key. */
  readonly #ending = new Map<string, RuleState>();
  #groups: readonly RuleGroup[] = [];
  #states: ReadonlyMap<string, RuleState> = new Map();
  #version = 0;

  constructor(parts: LoadedRulesParts) {
    this.#parts = parts;
  }

  get groups(): readonly RuleGroup[] {
    return this.#groups;
  }

  /** By rule key, in the order of files, groups and rules. */
  get states(): ReadonlyMap<string, RuleState> {
    return this.#states;
  }

  /** Grows when rules have changed, and again when their states go by the new definitions. */
  get version(): number {
    return this.#version;
  }

  /** The state that alerts of that key belong to, also where the rule has just been removed. */
  find(ruleKey: string): RuleState | undefined {
    return this.#states.get(ruleKey) ?? this.#ending.get(ruleKey);
  }

  /**
   * Replaces all rules by those of the files.
   * @param onTaken called in the turn in which the rules change, for what has to change with them; must not throw
   * @throws OmoiError `rule_file_invalid` naming every mistake in every file; `database_failed`; the old rules keep running
   */
  load(files: readonly RuleFileText[], onTaken: () => void = () => undefined): Promise<LoadReport> {
    return this.#loading.run(() => this.#load(files, onTaken));
  }

  async #load(files: readonly RuleFileText[], onTaken: () => void): Promise<LoadReport> {
    const { clock, database } = this.#parts;
    const stretch = new Stretch(clock);
    const queries = this.#queries();
    const { features, options } = this.#parts;
    const parsed = await readRuleFiles(files, {
      checkExpression: queries,
      features,
      maxRules: options.maxRules,
    });
    for (const [key, rule] of this.#ending) if (rule.hasEnded) this.#ending.delete(key);
    const inUse = [...this.#ending.keys()];
    const known = await readKnownRules(database);
    const groups = await paced(buildRuleGroups(parsed, known, inUse), stretch);
    const loaded = await paced(this.#prepare(groups, queries), stretch);
    const created = await paced(this.#createStates(loaded), stretch);
    const registration = await ruleTableChange(database, groups, stretch);
    const change = await paced(this.#compare(loaded, created), stretch);
    await database.transaction((tx) => registerRules(tx, registration));
    for (const { rule, definition } of change.same) rule.moveTo(definition);
    this.#groups = groups;
    this.#states = change.states;
    for (const rule of change.removed) this.#ending.set(rule.key, rule);
    onTaken();
    this.#version++;
    try {
      await this.#parts.onChange(change);
    } finally {
      this.#version++;
    }
    return {
      groups: groups.length,
      rules: loaded.length,
      changed: change.added.length + change.changed.length,
      removed: change.removed.length,
      warnings: parsed.flatMap((file) =>
        [...file.warnings, ...file.duplicates].map((warning) => `${file.name}: ${warning}`),
      ),
    };
  }

  /** Prepares each expression once; that of a rule which is loaded is prepared already. An expression may be long. */
  #queries(): (expr: string) => RuleQuery {
    const queries = new Map<string, RuleQuery>();
    for (const { definition } of this.#states.values()) queries.set(definition.rule.expr, definition.query);
    return (expr) => {
      let query = queries.get(expr);
      if (!query) queries.set(expr, (query = this.#parts.prepare(expr)));
      return query;
    };
  }

  *#prepare(
    groups: readonly RuleGroup[],
    queryOf: (expr: string) => RuleQuery,
  ): Generator<void, readonly LoadedRule[]> {
    const loaded: LoadedRule[] = [];
    const { options } = this.#parts;
    for (const written of groups) {
      const pace = paceOf(written.name, options);
      const queryOffsetMs = written.queryOffsetMs ?? options.defaultQueryOffsetMs;
      const group = { ...written, queryOffsetMs };
      for (const rule of group.rules) {
        loaded.push({ rule, group, pace, query: queryOf(rule.expr), order: loaded.length });
        yield;
      }
    }
    return loaded;
  }

  /** The states of the rules that are new, by key. Loads come one after the other: none comes in between. */
  *#createStates(loaded: readonly LoadedRule[]): Generator<void, ReadonlyMap<string, RuleState>> {
    const created = new Map<string, RuleState>();
    for (const definition of loaded) {
      const { key } = definition.rule;
      if (!this.#states.has(key)) created.set(key, this.#parts.createState(definition));
      yield;
    }
    return created;
  }

  /** What the load changes; nothing has changed yet. Loads come one after the other: what is compared stays so. */
  *#compare(
    loaded: readonly LoadedRule[],
    created: ReadonlyMap<string, RuleState>,
  ): Generator<void, ComparedRules> {
    const states = new Map<string, RuleState>();
    const added: RuleState[] = [];
    const same: RedefinedRule[] = [];
    const changed: RedefinedRule[] = [];
    for (const definition of loaded) {
      const { key } = definition.rule;
      const before = this.#states.get(key);
      const rule = before ?? created.get(key);
      if (!rule) throw new Error(`the new rule ${key} has no state`);
      if (!before) added.push(rule);
      else if (isSameRule(before.definition, definition)) same.push({ rule, definition });
      else changed.push({ rule, definition });
      states.set(key, rule);
      yield;
    }
    const removed: RuleState[] = [];
    for (const rule of this.#states.values()) {
      if (!states.has(rule.key)) removed.push(rule);
      yield;
    }
    return { states, same, added, changed, removed };
  }
}
