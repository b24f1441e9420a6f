import { matchesAll, OmoiError, parseStrictDocument, type DocumentSource, type Labels } from '#telemetry';
import { policySchema, type Policy, type PolicyMode } from './policy.ts';

/** The policies in force. */
export class PolicyBook {
  readonly #modeOverride: PolicyMode | null;
  #policies: readonly Policy[] = [];

  /** @param modeOverride replaces every policy's own mode; null leaves them */
  constructor(modeOverride: PolicyMode | null) {
    this.#modeOverride = modeOverride;
  }

  /**
   * Takes new policies over, all or none.
   * @throws OmoiError `policy_file_invalid` with file, line and column; the old policies stay in force
   */
  load(sources: readonly DocumentSource[]): void {
    const loaded = sources.map((source) => ({
      source,
      policy: parseStrictDocument(source, policySchema, 'policy_file_invalid'),
    }));
    const byName = new Map<string, string>();
    for (const { source, policy } of loaded) {
      const other = byName.get(policy.name);
      if (other !== undefined) {
        const message = `${source.name}:1:1: policy "${policy.name}" stands in ${other} too; names are unique`;
        throw new OmoiError('policy_file_invalid', message);
      }
      byName.set(policy.name, source.name);
    }
    this.#policies = loaded.map(({ policy }) => ({ ...policy, mode: this.#modeOverride ?? policy.mode }));
  }

  list(): readonly Policy[] {
    return this.#policies;
  }

  get(name: string): Policy | null {
    return this.#policies.find((policy) => policy.name === name) ?? null;
  }

  /** The policies for an alert, in the order of their files. */
  forAlert(labels: Labels): readonly Policy[] {
    return this.#policies.filter((policy) => matchesAll(policy.match, labels));
  }
}
