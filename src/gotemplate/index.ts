export { GoTemplate } from './template.ts';
export { quoteText } from './format/quote.ts';
export { unquoteText } from './syntax/literals.ts';
export { GoMap, GoStruct, type TemplateValue } from './values/value.ts';
export {
  RULE_FUNCTION_NAMES,
  ruleTemplateFunctions,
  type RuleTemplateHost,
  type TemplateSample,
} from './prometheus/functions.ts';
