import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf, OmoiError } from '#telemetry';
import { readConfigurationFile } from '#notification';

/** How the name of a file says that Alertmanager refuses it, and why. */
const REFUSED: readonly (readonly [RegExp, RegExp])[] = [
  [/-both-/, /at most one of .* must be configured/],
  [/nil-\w*match_re/, /invalid regexp value for "\w+"/],
  [/sns-invalid/, /must provide either a Target ARN, Topic ARN, or Phone Number/],
  [/invalid|nil-/, /./],
  [/-no-(?:token|api|bot-token|webhook)/, /^.*: (?:no (?:global )?[\w ]+ set|missing [\w_]+)/m],
  [/update-message-and-webhook/, /update_message can only be used with bot tokens/],
  [/default-apikey-old-team/, /unknown key "[\w.]*teams"/],
];

export interface Verdict {
  readonly file: string;
  /** Null where it is Alertmanager's. */
  readonly problem: string | null;
}

/** The configurations of a folder, not of those below it. */
export function configurationsIn(folder: string): readonly string[] {
  return readdirSync(folder)
    .filter((name) => /\.ya?ml$/.test(name))
    .sort();
}

/** Holds what Omoi says of a configuration of others against what its name says that Alertmanager does. */
export async function judge(folder: string, file: string): Promise<Verdict> {
  const refusal = await refusalOf(folder, file);
  const [, why] = REFUSED.find(([name]) => name.test(file)) ?? [];
  if (!why) return { file, problem: refusal === null ? null : `refused: ${refusal}` };
  if (refusal === null) return { file, problem: 'accepted, and it has to be refused' };
  return { file, problem: why.test(refusal) ? null : `refused for another reason: ${refusal}` };
}

/** Null where it is accepted. Templates that it names lie elsewhere. */
async function refusalOf(folder: string, file: string): Promise<string | null> {
  const text = readFileSync(join(folder, file), 'utf8');
  const files = { list: () => Promise.resolve([]), read: () => Promise.reject(new Error('no such file')) };
  try {
    await readConfigurationFile({ name: file, text, directory: folder }, { files, templates: 'unread' });
    return null;
  } catch (thrown) {
    if (thrown instanceof OmoiError && thrown.code === 'routing_invalid') return messageOf(thrown);
    throw thrown;
  }
}
