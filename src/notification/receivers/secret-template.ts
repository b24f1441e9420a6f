import { type Expand, TemplateFailure } from '../templates/message-templates.ts';

/**
 * A secret that may be a template, without the spaces around it.
 * @param key what it is called in the settings
 * @throws TemplateFailure in words that do not repeat it
 */
export async function expandedSecret(key: string, secret: string, expand: Expand): Promise<string> {
  if (!secret.includes('{{')) return secret.trim();
  try {
    return (await expand(secret)).trim();
  } catch (thrown) {
    if (!(thrown instanceof TemplateFailure)) throw thrown;
    throw new TemplateFailure(`${key}: its template cannot be run`);
  }
}
