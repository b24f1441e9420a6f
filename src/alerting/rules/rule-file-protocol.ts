import type { PromqlFeatures } from '#promql';
import { OmoiError, type ErrorCode } from '#telemetry';
import type { GroupText, RuleFile, RuleFileText, RuleText } from './rule-file.ts';

/** What the thread that reads rule files is started with. */
export interface RuleFileWorkerData {
  readonly features: PromqlFeatures;
  readonly maxRules: number;
}

/** What the thread that reads rule files is asked: to read some, or for the next piece of what it has read. */
export type RuleFileRequest = readonly RuleFileText[] | 'next';

/** What it answers, one piece to each request. Groups belong to the file before them, rules to the group before them. */
export type RuleFilePiece =
  | { readonly kind: 'file'; readonly file: Omit<RuleFile, 'groups'> }
  | { readonly kind: 'group'; readonly group: Omit<GroupText, 'rules'> }
  | { readonly kind: 'rules'; readonly rules: readonly RuleText[] }
  | { readonly kind: 'end' }
  | {
      readonly kind: 'refusal';
      readonly code: ErrorCode;
      readonly message: string;
      readonly details: OmoiError['details'];
    };

/** An error in a form that reaches another thread. @throws what is no error of the files */
export function refusalOf(thrown: unknown): RuleFilePiece {
  if (!(thrown instanceof OmoiError)) throw thrown;
  const { code, message, details } = thrown;
  return { kind: 'refusal', code, message, details };
}
