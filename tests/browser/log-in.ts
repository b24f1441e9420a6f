import type { Page } from 'playwright-core';
import type { Client } from '../acceptance/support/client.ts';

export interface Visitor {
  /** Of its token; another for each. */
  readonly name: string;
  readonly role: 'viewer' | 'operator';
}

/** Opens mission control as somebody with a token of its own, who types it in. @param admin mints the token */
export async function logInWithToken(
  page: Page,
  server: { readonly url: string; readonly admin: Client },
  { name, role }: Visitor,
): Promise<void> {
  const { secret } = await server.admin.makeToken({ name, role });
  await page.goto(server.url);
  await page.getByLabel('Token', { exact: true }).fill(secret);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('heading', { name: 'Fleet' }).waitFor();
}
