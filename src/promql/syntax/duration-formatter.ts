import { formatDuration } from '#telemetry';
import type { DurationExpression, DurationLiteral } from './duration-expression.ts';
import { formatDecimal } from './text-literals.ts';

/** As Prometheus prints it: blanks around operators, none in calls but behind the comma. */
export function formatDurationExpression(expression: DurationExpression): string {
  switch (expression.kind) {
    case 'literal':
      return formatLiteral(expression);
    case 'step':
    case 'range':
      return `${expression.kind}()`;
    case 'negated':
      return `-${formatDurationExpression(expression.operand)}`;
    case 'parenthesized':
      return `(${formatDurationExpression(expression.expression)})`;
    case 'min_of':
    case 'max_of': {
      const { kind, left, right } = expression;
      return `${kind}(${formatDurationExpression(left)}, ${formatDurationExpression(right)})`;
    }
    case 'arithmetic': {
      const { operator, left, right } = expression;
      return `${formatDurationExpression(left)} ${operator} ${formatDurationExpression(right)}`;
    }
  }
}

function formatLiteral({ seconds, isDuration }: DurationLiteral): string {
  if (!isDuration) return formatDecimal(seconds);
  return `${seconds < 0 ? '-' : ''}${formatDuration(Math.abs(seconds) * 1000)}`;
}
