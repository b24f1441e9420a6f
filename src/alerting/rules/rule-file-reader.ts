import { Worker } from 'node:worker_threads';
import type { PromqlFeatures } from '#promql';
import { messageOf, nextTurn, OmoiError } from '#telemetry';
import type { GroupText, RuleFile, RuleFileText, RuleText } from './rule-file.ts';
import { parseRuleFiles, type RuleFileReading } from './rule-files.ts';
import type { RuleFilePiece, RuleFileRequest, RuleFileWorkerData } from './rule-file-protocol.ts';

/**
 * More text than this is read in a thread of its own: 1,000 characters take 1.5 ms, and a document can't be read in
 * slices.
 */
export const maxCharactersInPlace = 8192;

/** How rules are read: here, and in a thread that has the same features. */
export interface RuleReading extends RuleFileReading {
  readonly features: PromqlFeatures;
}

/** In a bundle of the sources the script stands beside all others. */
const script = import.meta.filename.endsWith('.ts') ? './rule-file-worker.ts' : './rule-file-worker.js';

/**
 * Parses rule files without holding the event loop up: much text is parsed and checked by a thread that lives for that
 * alone and hands the rules over in pieces.
 * @throws OmoiError `rule_file_invalid` naming every mistake in every file
 */
export async function readRuleFiles(
  files: readonly RuleFileText[],
  { features, ...reading }: RuleReading,
): Promise<readonly RuleFile[]> {
  const characters = files.reduce((sum, { text }) => sum + text.length, 0);
  if (characters <= maxCharactersInPlace) return parseRuleFiles(files, reading);
  const thread = new Worker(new URL(script, import.meta.url), {
    name: 'omoi-rule-files',
    workerData: { features, maxRules: reading.maxRules } satisfies RuleFileWorkerData,
  });
  try {
    return await receiveFiles(thread, files);
  } finally {
    await thread.terminate();
  }
}

async function receiveFiles(thread: Worker, texts: readonly RuleFileText[]): Promise<readonly RuleFile[]> {
  const files: (RuleFile & { readonly groups: GroupText[] })[] = [];
  let rules: RuleText[] = [];
  for (let request: RuleFileRequest = texts; ; request = 'next') {
    const piece = await ask(thread, request);
    switch (piece.kind) {
      case 'file':
        files.push({ ...piece.file, groups: [] });
        break;
      case 'group':
        rules = [];
        files.at(-1)?.groups.push({ ...piece.group, rules });
        break;
      case 'rules':
        rules.push(...piece.rules);
        break;
      case 'refusal':
        throw new OmoiError(piece.code, piece.message, piece.details);
      case 'end':
        return files;
    }
    await nextTurn();
  }
}

function ask(thread: Worker, request: RuleFileRequest): Promise<RuleFilePiece> {
  return new Promise((resolve, reject) => {
    const fail = (thrown: unknown): void => {
      const message = `the rule files could not be read in a thread of their own: ${messageOf(thrown)}`;
      reject(new OmoiError('rule_file_invalid', message, {}, thrown));
    };
    thread.once('error', fail);
    thread.once('message', (piece: RuleFilePiece) => {
      thread.off('error', fail);
      resolve(piece);
    });
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    thread.postMessage(request);
  });
}
