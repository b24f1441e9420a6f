export { GoTemplate, TemplateSet, TEXT_NAME, type TemplateForm, type TemplateRun } from './template.ts';
export type { RunLimits } from './limits.ts';
export { TemplateSyntaxError } from './syntax/syntax-error.ts';
export { sourcePlace } from './syntax/source-place.ts';
export { quoteText } from './format/quote.ts';
export { unquoteText } from './syntax/literals.ts';
export { fixed } from './functions/function-set.ts';
export { Patterns } from './functions/regular-expressions.ts';
export { GoTime } from './time/time.ts';
export { TimeZones } from './time/zones.ts';
export {
  compareTexts,
  type Fields,
  type FunctionDefinition,
  GoMap,
  GoSlice,
  GoStruct,
  methodsFrom,
  type Methods,
  type MethodTable,
  TemplateRunError,
  type TemplateValue,
  textOf,
} from './values/value.ts';
export {
  MESSAGE_FUNCTION_NAMES,
  messageTemplateFunctions,
  type MessageTemplateHost,
} from './alertmanager/functions.ts';
export {
  RULE_FUNCTION_NAMES,
  ruleTemplateFunctions,
  type RuleTemplateHost,
  type TemplateSample,
} from './prometheus/functions.ts';
