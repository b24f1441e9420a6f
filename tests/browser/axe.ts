import axe from 'axe-core';
import type { Page } from 'playwright-core';

/** Of axe's answer what is used. */
interface Violations {
  readonly violations: readonly {
    readonly id: string;
    readonly impact: string;
    readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
  }[];
}

const OPTIONS = {
  resultTypes: ['violations'],
  // What a person who speaks to the page says is what they see; axe asks for it only where it is told to.
  rules: { 'label-content-name-mismatch': { enabled: true } },
};

/** What axe-core finds on the page that is serious or critical, one line each. */
export async function seriousFindings(page: Page): Promise<readonly string[]> {
  // Evaluated by the browser's own tools: the page's content security policy lets no such script in.
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate<Violations>(`axe.run(document, ${JSON.stringify(OPTIONS)})`);
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 200)}: ${failureSummary}`),
    );
}
