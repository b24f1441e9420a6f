import type { Browser, BrowserContext, Page } from 'playwright-core';

export const DESKTOP = { width: 1280, height: 900 };
export const PHONE = { width: 390, height: 844 };

export interface VisitOptions<Visitor> {
  readonly withinMs: number;
  readonly logIn: (page: Page, visitor: Visitor) => Promise<void>;
}

/**
 * Mission control as one visitor sees it, on a page that is kept from test to test: to load it takes more CPU than most of
 * them. There is a new one for another visitor, and after a test that failed, which may have left it anywhere.
 */
export class Visits<Visitor> {
  readonly #browser: Browser;
  readonly #options: VisitOptions<Visitor>;
  #current: { readonly visitor: Visitor; readonly context: BrowserContext; readonly page: Page } | null =
    null;

  constructor(browser: Browser, options: VisitOptions<Visitor>) {
    this.#browser = browser;
    this.#options = options;
  }

  async as(visitor: Visitor): Promise<Page> {
    if (this.#current?.visitor === visitor) return this.#current.page;
    await this.end();
    const context = await this.#browser.newContext({ viewport: DESKTOP, reducedMotion: 'reduce' });
    context.setDefaultTimeout(this.#options.withinMs);
    const page = await context.newPage();
    this.#current = { visitor, context, page };
    await this.#options.logIn(page, visitor);
    return page;
  }

  async end(): Promise<void> {
    const ended = this.#current;
    this.#current = null;
    await ended?.context.close();
  }
}
