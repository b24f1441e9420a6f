import {
  matchesAll,
  OmoiError,
  paced,
  parseStrictDocument,
  Stretch,
  type Clock,
  type DocumentSource,
  type Labels,
  type PolicyMode,
  type Subscription,
} from '#telemetry';
import type { StepView } from '../actions/action.ts';
import { actionOf, type PolicyStep } from '../actions/actions.ts';
import { formatActOn } from './act-on.ts';
import { createPolicySchema, type MatcherParser, type Policy } from './policy.ts';

/** A policy is read in one go. The shipped ones have some 400 characters; so many take less than 50 ms. */
const maxPolicyCharacters = 65_536;

/** The policies in force. */
export class PolicyRegistry {
  readonly #modeOverride: PolicyMode | null;
  readonly #schema: ReturnType<typeof createPolicySchema>;
  #policies: readonly Policy[] = [];
  readonly #listeners = new Set<() => void>();

  /** @param modeOverride replaces every policy's own mode; null leaves them */
  constructor(modeOverride: PolicyMode | null, parseMatcher: MatcherParser) {
    this.#modeOverride = modeOverride;
    this.#schema = createPolicySchema(parseMatcher);
  }

  /**
   * Reads policies, all or none, without taking them over. It pauses after each file. Shipped ones that are switched off,
   * or whose name another has, are left out.
   * @throws OmoiError `policy_file_invalid` with file, line and column
   */
  *parse(sources: readonly DocumentSource[]): Generator<void, readonly Policy[]> {
    const policies: { readonly policy: Policy; readonly shipped: DocumentSource['shipped'] }[] = [];
    /** Those of people. */
    const byName = new Map<string, string>();
    for (const source of sources) {
      if (source.text.length > maxPolicyCharacters) {
        const size = `${source.text.length} characters; a policy has at most ${maxPolicyCharacters}`;
        throw new OmoiError('policy_file_invalid', `${source.name}:1:1: the file has ${size}`);
      }
      const policy = parseStrictDocument(source, this.#schema, 'policy_file_invalid');
      const other = byName.get(policy.name);
      if (other !== undefined && !source.shipped) {
        const message = `${source.name}:1:1: policy "${policy.name}" stands in ${other} too; names are unique`;
        throw new OmoiError('policy_file_invalid', message);
      }
      if (!source.shipped) byName.set(policy.name, source.name);
      policies.push({
        policy: { ...policy, mode: this.#modeOverride ?? policy.mode },
        shipped: source.shipped,
      });
      yield;
    }
    return policies.flatMap(({ policy, shipped }) => {
      const isOff = shipped && (byName.has(policy.name) || shipped.disabled.includes(policy.name));
      return isOff ? [] : [policy];
    });
  }

  /** Takes policies over that were read. */
  replace(policies: readonly Policy[]): void {
    this.#policies = policies;
    for (const listener of this.#listeners) listener();
  }

  /** Tells of policies that are taken over, in the same turn. */
  onReplaced(listener: () => void): Subscription {
    this.#listeners.add(listener);
    return { stop: () => this.#listeners.delete(listener) };
  }

  /** Reads policies and takes them over, in slices. @throws as `parse`; the old policies stay in force */
  async load(sources: readonly DocumentSource[], clock: Clock): Promise<void> {
    this.replace(await paced(this.parse(sources), new Stretch(clock)));
  }

  list(): readonly Policy[] {
    return this.#policies;
  }

  /** What a step's action shows of it, beside its name: durations in ms, with the unit in the name. */
  viewStep(step: PolicyStep): StepView {
    return actionOf(step).view(step);
  }

  /** On how much of its targets a policy acts, as its file says it; null: on all. */
  viewActOn({ act_on: actOn }: Policy): string | null {
    return actOn === undefined ? null : formatActOn(actOn);
  }

  get(name: string): Policy | null {
    return this.#policies.find((policy) => policy.name === name) ?? null;
  }

  /** The policies for an alert, in the order of their files. */
  forAlert(labels: Labels): readonly Policy[] {
    return this.#policies.filter((policy) => matchesAll(policy.match, labels));
  }
}
