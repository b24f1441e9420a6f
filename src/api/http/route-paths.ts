import type { ApiApp } from './app.ts';

/** Which methods the registered routes have for a path. */
export interface RoutePaths {
  methodsOf(path: string): readonly string[];
}

/** Remembers the routes of an app, so that a wrong method can be told from a wrong path. Call before they exist. */
export function rememberRoutePaths(app: ApiApp): RoutePaths {
  const methodsByPattern = new Map<string, { readonly form: RegExp; readonly methods: Set<string> }>();
  app.addHook('onRoute', ({ url, method }) => {
    let known = methodsByPattern.get(url);
    if (!known) {
      known = { form: formOf(url), methods: new Set() };
      methodsByPattern.set(url, known);
    }
    for (const name of [method].flat()) known.methods.add(name);
  });
  return {
    methodsOf(path) {
      const found = [...methodsByPattern.values()].filter(({ form }) => form.test(path));
      return [...new Set(found.flatMap(({ methods }) => [...methods]))].sort();
    },
  };
}

/** `/pools/:pool_id/*` as an expression over paths. */
function formOf(url: string): RegExp {
  const source = url
    .split(/(:[A-Za-z_]\w*|\*)/)
    .map((piece) => {
      if (piece === '*') return '.*';
      return piece.startsWith(':') ? '[^/]+' : piece.replace(/[.+?^${}()|[\]\\]/g, '\\$&');
    })
    .join('');
  return new RegExp(`^${source}$`);
}
