// Runs in a worker thread, which lives for one reading of rule files.
import { parentPort, workerData } from 'node:worker_threads';
import { createEngine } from '#promql';
import { createSystemClock } from '#telemetry';
import { prepareForRule } from '../evaluation/promql-queries.ts';
import type { RuleFile, RuleFileText } from './rule-file.ts';
import { parseRuleFiles } from './rule-files.ts';
import {
  refusalOf,
  type RuleFilePiece,
  type RuleFileRequest,
  type RuleFileWorkerData,
} from './rule-file-protocol.ts';

/** Rules of one message: the thread that receives it takes the whole of it in one go. */
const RULES_PER_PIECE = 50;

const port = parentPort;
if (!port) throw new Error('rule-file-worker runs in a worker thread');
// What who starts the thread gives it.
const { features, maxRules } = workerData as RuleFileWorkerData;
const engine = createEngine({ clock: createSystemClock(), features });
const checkExpression = (expr: string): void => void prepareForRule(engine, expr);
let pieces: Iterator<RuleFilePiece> = [].values();

port.on('message', (request: RuleFileRequest) => {
  if (request !== 'next') pieces = read(request);
  const next = pieces.next();
  port.postMessage(next.done ? { kind: 'end' } : next.value);
});

function read(files: readonly RuleFileText[]): Iterator<RuleFilePiece> {
  try {
    return piecesOf(parseRuleFiles(files, { checkExpression, maxRules }));
  } catch (thrown) {
    return [refusalOf(thrown)].values();
  }
}

function* piecesOf(files: readonly RuleFile[]): Generator<RuleFilePiece> {
  for (const { groups, ...file } of files) {
    yield { kind: 'file', file };
    for (const { rules, ...group } of groups) {
      yield { kind: 'group', group };
      for (let at = 0; at < rules.length; at += RULES_PER_PIECE) {
        yield { kind: 'rules', rules: rules.slice(at, at + RULES_PER_PIECE) };
      }
    }
  }
}
