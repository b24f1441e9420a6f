import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nearestWord, type DocumentSource, type ErrorCode } from '#telemetry';
import { parse } from 'yaml';
import { z } from 'zod';
import { readDocuments } from './files.ts';

/** In a list of names: all of them. */
export const ALL = '*';

/** Many times what Omoi ships, with all that it has ever shipped; a longer list of names is a mistake. */
const maxDisabledNames = 1000;

/** What Omoi ships of a kind; a person's configuration adds to it. */
interface ShippedKind {
  readonly directory: string;
  /** What one of them is called in messages. */
  readonly noun: string;
  /** The names in the content of a file. */
  readonly namesIn: (content: unknown) => readonly string[];
  /** What earlier servers shipped, and what there is instead: who has switched one off may start this one. */
  readonly retired: ReadonlyMap<string, string>;
}

const ruleFile = z.object({
  groups: z.array(
    z.object({ rules: z.array(z.object({ alert: z.string().optional(), record: z.string().optional() })) }),
  ),
});
const policyFile = z.object({ name: z.string() });
const configDirectory = (name: string): string =>
  fileURLToPath(new URL(`../../config/${name}`, import.meta.url));

export const SHIPPED_RULES: ShippedKind = {
  directory: configDirectory('alert_rules'),
  noun: 'rule',
  namesIn: (content) =>
    ruleFile
      .parse(content)
      .groups.flatMap(({ rules }) => rules.map(({ alert, record }) => alert ?? record ?? '')),
  retired: new Map([['HeartbeatMissed', 'a missed heartbeat is the event fleet.agent.heartbeat_missed']]),
};

export const SHIPPED_POLICIES: ShippedKind = {
  directory: configDirectory('watchdog_policies'),
  noun: 'policy',
  namesIn: (content) => [policyFile.parse(content).name],
  retired: new Map(),
};

/** Names of what Omoi ships, in their files' order. */
export function shippedNames({ directory, namesIn }: ShippedKind): readonly string[] {
  const files = readdirSync(directory).sort();
  return files.flatMap((name) => namesIn(parse(readFileSync(join(directory, name), 'utf8'))));
}

/** A list of names of what Omoi ships; `*` stands for all of them. */
export function namesOfShipped(kind: ShippedKind): z.ZodType<readonly string[]> {
  return z.array(z.string()).superRefine((given, context) => {
    if (given.length > maxDisabledNames) {
      const message = `${given.length} names are more than ${maxDisabledNames}; "${ALL}" switches every shipped ${kind.noun} off`;
      context.addIssue({ code: 'custom', message });
      return;
    }
    const names = given.some((name) => name !== ALL) ? shippedNames(kind) : [];
    const known = new Set(names);
    for (const [at, name] of given.entries()) {
      if (name === ALL || known.has(name) || kind.retired.has(name)) continue;
      const near = nearestWord(name, names);
      const hint = near === null ? `there are ${names.join(', ')}` : `did you mean "${near}"?`;
      const message = `Omoi ships no ${kind.noun} "${name}"; ${hint}`;
      context.addIssue({ code: 'custom', path: [at], message });
    }
  });
}

/**
 * The files of a kind that Omoi ships, and those that paths name.
 * @param disabled names of shipped ones that are switched off; `*`: none is read
 * @throws OmoiError with `code` for a path that cannot be read
 */
export async function readWithShipped(
  { directory }: ShippedKind,
  { paths, disabled, code }: { paths: readonly string[]; disabled: readonly string[]; code: ErrorCode },
): Promise<readonly DocumentSource[]> {
  const shipped = disabled.includes(ALL) ? [] : await readDocuments([directory], code);
  const own = await readDocuments(paths, code);
  return [...shipped.map((file): DocumentSource => ({ ...file, shipped: { disabled } })), ...own];
}
