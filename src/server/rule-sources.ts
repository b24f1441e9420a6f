import { createHash } from 'node:crypto';
import { access, constants, realpath } from 'node:fs/promises';
import { dirname } from 'node:path';
import {
  buildRuleGroups,
  previewRule,
  readRuleSource,
  sourceOfRule,
  withRuleReplaced,
  type Alerting,
  type LoadedRule,
  type PreviewSettings,
  type RulePreview,
} from '#alerting';
import type { CheckedSource, Reloaded, RuleSource, RuleSources } from '#api';
import { messageOf, OmoiError, SerialQueue, unpaced } from '#telemetry';
import { SHIPPED_RULES } from './shipped.ts';
import { replaceFile } from './replaced-file.ts';
import { readTextFileLater } from './text-file.ts';

export interface RuleSourceParts extends PreviewSettings {
  readonly alerting: Pick<Alerting, 'rules'>;
  /** Takes the files over as they are now. @throws OmoiError; the old ones stay in force */
  readonly reload: () => Promise<Reloaded>;
}

/** Previews that wait; more are refused. */
const maxWaitingPreviews = 4;

/** Rules as they are written: to read, to check, to try over stored samples, to save. */
export function createRuleSources(parts: RuleSourceParts): RuleSources {
  const saves = new SerialQueue();
  const previews = new SerialQueue();
  let waiting = 0;
  return {
    read: (ruleKey) => readSource(ruleKey, parts),
    check: (source, ruleKey) => checked(source, loadedRule(ruleKey, parts), parts).checked,
    async preview(source, { ruleKey, ...span }) {
      if (waiting >= maxWaitingPreviews)
        throw new OmoiError('server_busy', 'other previews are being made; try again in a moment');
      waiting++;
      try {
        return await previews.run(() => previewOf(source, loadedRule(ruleKey, parts), { span, parts }));
      } finally {
        waiting--;
      }
    },
    save: (ruleKey, change) => saves.run(() => save(ruleKey, change, parts)),
  };
}

function loadedRule(ruleKey: string | null, { alerting }: RuleSourceParts): LoadedRule | null {
  if (ruleKey === null) return null;
  const state = alerting.rules.states.get(ruleKey);
  if (state) return state.definition;
  throw new OmoiError('unknown_rule', `no rule ${JSON.stringify(ruleKey)} is loaded`);
}

async function readSource(ruleKey: string, parts: RuleSourceParts): Promise<RuleSource> {
  const definition = loadedRule(ruleKey, parts);
  if (!definition) throw new OmoiError('unknown_rule', `no rule ${JSON.stringify(ruleKey)} is loaded`);
  const { group, rule } = definition;
  const text = await readTextFileLater(group.file);
  const source = sourceOfRule(text, rule.place);
  const why = isStill(source, definition) ? await whyNotWritable(group.file) : CHANGED;
  return { source, file: group.file, line: rule.place.line, fileHash: hashOf(text), whyNotWritable: why };
}

const CHANGED = 'its file has changed since it was loaded, and has not been taken over';

/** Whether what stands there is the rule that was loaded from there. */
function isStill(source: string, { group, rule }: LoadedRule): boolean {
  const { file } = readRuleSource(source, group, () => undefined);
  const [written] = file?.groups[0]?.rules ?? [];
  return (
    written !== undefined && (written.alert || written.record) === rule.name && written.expr === rule.expr
  );
}

/** Null where it can be written. */
async function whyNotWritable(file: string): Promise<string | null> {
  if (file.startsWith(SHIPPED_RULES.directory))
    return 'Omoi ships it: copy it into a file of your own under alerting.rule_files, where it takes its place';
  try {
    const target = await realpath(file);
    await access(target, constants.W_OK);
    await access(dirname(target), constants.W_OK);
    return null;
  } catch (thrown) {
    return `its file can’t be written: ${messageOf(thrown)}`;
  }
}

interface ReadRule {
  readonly checked: CheckedSource;
  /** Null where something is wrong with it. */
  readonly file: ReturnType<typeof readRuleSource>['file'];
}

function checked(source: string, before: LoadedRule | null, { engine }: RuleSourceParts): ReadRule {
  const group = before?.group ?? { name: 'preview', intervalMs: null };
  const { file, problems } = readRuleSource(source, group, (expr) => void engine.prepare(expr));
  return { checked: { problems: problems ?? [] }, file };
}

interface PreviewAsked {
  readonly span: { readonly fromMs: number; readonly toMs: number };
  readonly parts: RuleSourceParts;
}

async function previewOf(
  source: string,
  before: LoadedRule | null,
  { span, parts }: PreviewAsked,
): Promise<{ readonly after: RulePreview; readonly before: RulePreview | null }> {
  const { file } = checked(source, before, parts);
  if (!file) throw new OmoiError('rule_file_invalid', 'the rule can’t be read: check it first');
  const [group] = unpaced(buildRuleGroups([file]));
  const [rule] = group?.rules ?? [];
  if (!group || rule?.kind !== 'alerting')
    throw new OmoiError(
      'invalid_request',
      'source: only alerting rules have a preview; query what a recording rule would record',
    );
  const inGroup = { ...group, queryOffsetMs: before?.group.queryOffsetMs ?? null };
  const after = await previewRule({ group: inGroup, rule }, span, parts);
  if (before?.rule.kind !== 'alerting') return { after, before: null };
  return { after, before: await previewRule({ group: before.group, rule: before.rule }, span, parts) };
}

async function save(
  ruleKey: string,
  { source, fileHash }: { readonly source: string; readonly fileHash: string },
  parts: RuleSourceParts,
): Promise<Reloaded> {
  const definition = loadedRule(ruleKey, parts);
  if (!definition) throw new OmoiError('unknown_rule', `no rule ${JSON.stringify(ruleKey)} is loaded`);
  const { group, rule } = definition;
  const why = await whyNotWritable(group.file);
  if (why !== null) throw new OmoiError('rule_not_writable', `${rule.id} can’t be saved: ${why}`);
  const text = await readTextFileLater(group.file);
  if (hashOf(text) !== fileHash || !isStill(sourceOfRule(text, rule.place), definition))
    throw new OmoiError(
      'rule_file_changed',
      `${group.file} is not as it was when the rule was read: read it anew`,
    );
  const { problems } = checked(source, definition, parts).checked;
  const [problem] = problems;
  if (problem)
    throw new OmoiError('rule_file_invalid', `${problem.line}:${problem.column}: ${problem.message}`, {
      problems,
    });
  const next = withRuleReplaced({ name: group.file, text }, rule.place, source);
  await write(group.file, next);
  try {
    return await parts.reload();
  } catch (thrown) {
    await write(group.file, text);
    throw thrown;
  }
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

/** @throws OmoiError `rule_not_writable` */
async function write(path: string, text: string): Promise<void> {
  try {
    await replaceFile(path, text);
  } catch (thrown) {
    throw new OmoiError('rule_not_writable', `${path} can’t be written: ${messageOf(thrown)}`, {}, thrown);
  }
}
