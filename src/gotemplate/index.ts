export { GoTemplate } from './template.ts';
export { GoMap, GoStruct, type TemplateValue } from './values/value.ts';
export {
  RULE_FUNCTION_NAMES,
  ruleTemplateFunctions,
  type RuleTemplateHost,
  type TemplateSample,
} from './prometheus/functions.ts';
