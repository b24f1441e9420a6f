import { isCollection, isScalar, visit, type Document, type Node } from 'yaml';

/** What Go's YAML refuses of a document that this reader takes. */
export interface GoYamlProblem {
  readonly offset: number;
  readonly message: string;
}

/** What Go programs refuse of a document that is good YAML otherwise: a version of YAML that is not 1.1, tabs in the indentation. */
export function goYamlProblems(text: string, document: Document.Parsed): readonly GoYamlProblem[] {
  const problems: GoYamlProblem[] = [];
  const { yaml } = document.directives;
  if (yaml.explicit === true && yaml.version !== '1.1') {
    const message = `%YAML ${yaml.version} is not read; leave the line out, or write %YAML 1.1`;
    problems.push({ offset: Math.max(0, text.indexOf('%YAML')), message });
  }
  // Most documents have no tab there.
  if (/^ *\t|[-?] *\t/m.test(text)) problems.push(...tabProblems(text, document));
  return problems;
}

/** Where what a tab may stand in stands in a text. */
interface Span {
  readonly kind: 'any' | 'plain' | 'block';
  readonly from: number;
  readonly to: number;
  /** The column, from 0, from which on a tab is no indentation. */
  readonly column: number;
}

function tabProblems(text: string, document: Document.Parsed): readonly GoYamlProblem[] {
  const spans = spansOf(text, document);
  const problems: GoYamlProblem[] = [];
  for (const found of text.matchAll(/^( *)\t/gm)) {
    const offset = found.index + found[0].length - 1;
    const column = (found[1] ?? '').length;
    if (!mayStand(text, spans, { offset, column })) problems.push({ offset, message: TAB });
  }
  for (const found of text.matchAll(/^ *(?:[-?] +)*[-?] *\t/gm)) {
    const offset = found.index + found[0].length - 1;
    if (!spans.some(({ from, to }) => from < offset && offset < to)) problems.push({ offset, message: TAB });
  }
  return problems;
}

const TAB = 'a tab stands in the indentation; write spaces';

function mayStand(
  text: string,
  spans: readonly Span[],
  { offset, column }: { readonly offset: number; readonly column: number },
): boolean {
  const span = spans.findLast(
    ({ from, to, kind }) => from < offset && (offset < to || (kind === 'plain' && isBlank(text, to, offset))),
  );
  return span !== undefined && (span.kind === 'any' || column >= span.column);
}

function isBlank(text: string, from: number, to: number): boolean {
  return from <= to && text.slice(from, to).trim() === '';
}

/** In their order in the text; what stands in another begins later. */
function spansOf(text: string, document: Document.Parsed): readonly Span[] {
  const spans: Span[] = [];
  const columnAt = (offset: number): number => offset - (text.lastIndexOf('\n', offset - 1) + 1);
  visit(document, {
    Node: (_key, node, path) => {
      if (!node.range) return undefined;
      const [from, to] = node.range;
      if (isCollection(node) && node.flow === true) {
        spans.push({ kind: 'any', from, to, column: 0 });
        return visit.SKIP;
      }
      if (!isScalar(node) || from === to) return undefined;
      if (node.type === 'PLAIN')
        spans.push({ kind: 'plain', from, to, column: indentOf(path, columnAt) + 1 });
      else if (node.type?.startsWith('QUOTE') === true) spans.push({ kind: 'any', from, to, column: 0 });
      else spans.push({ kind: 'block', from, to, column: blockColumn(text.slice(from, to)) });
      return undefined;
    },
  });
  return spans.sort((a, b) => a.from - b.from);
}

/** The column of the innermost collection around a node; -1 where there is none. */
function indentOf(path: readonly unknown[], columnAt: (offset: number) => number): number {
  const around = path.findLast((one): one is Node => isCollection(one)) ?? null;
  return around?.range ? columnAt(around.range[0]) : -1;
}

/** Of a block scalar: where its first line that says something begins. */
function blockColumn(block: string): number {
  return /\n( *)[^ \n]/.exec(block)?.[1]?.length ?? 0;
}
