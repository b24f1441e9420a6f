import { MAX_DURATION_MS } from '#telemetry';
import type { Position } from './position.ts';

/** The longest duration that fits Prometheus's 64-bit nanoseconds. */
export const MAX_DURATION_SECONDS = MAX_DURATION_MS / 1000;

export type DurationOperator = '+' | '-' | '*' | '/' | '%' | '^';

/** Arithmetic in the place of a duration; all values are seconds. */
export type DurationExpression =
  | DurationLiteral
  /** `step()`, `range()`: of the query that is evaluated; 0 at one time. */
  | { readonly kind: 'step' | 'range'; readonly position: Position }
  | { readonly kind: 'negated'; readonly operand: DurationExpression; readonly position: Position }
  | {
      readonly kind: 'arithmetic';
      readonly operator: DurationOperator;
      readonly left: DurationExpression;
      readonly right: DurationExpression;
      readonly position: Position;
    }
  | {
      readonly kind: 'min_of' | 'max_of';
      readonly left: DurationExpression;
      readonly right: DurationExpression;
      readonly position: Position;
    }
  | { readonly kind: 'parenthesized'; readonly expression: DurationExpression; readonly position: Position };

export interface DurationLiteral {
  readonly kind: 'literal';
  readonly seconds: number;
  /** Written as a duration (`5m`) and not as a number. */
  readonly isDuration: boolean;
  readonly position: Position;
}
