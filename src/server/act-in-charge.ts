import type { Runtime } from '#fleet';
import type { Leadership } from '#storage';

/**
 * The same runtime, which starts and stops nothing while this server can't say that it is in charge: between the commit of
 * an order and its execution the process may have stood still, and another server may have taken over. What was not done
 * is tried again as any start or stop that fails.
 */
export function actInCharge(runtime: Runtime, leadership: Pick<Leadership, 'doubt'>): Runtime {
  return {
    name: runtime.name,
    capabilities: runtime.capabilities,
    async start(spec) {
      const { doubt } = leadership;
      return doubt ? { kind: 'failed', error: doubt.message } : runtime.start(spec);
    },
    async stop(handle, order) {
      if (leadership.doubt) throw leadership.doubt;
      return runtime.stop(handle, order);
    },
    ...(runtime.notEnforced && { notEnforced: (wanted) => runtime.notEnforced?.(wanted) ?? [] }),
    discover: (nonce) => runtime.discover(nonce),
    watch: (handle) => runtime.watch(handle),
    observe: (handle) => runtime.observe(handle),
    activity: (handles, within) => runtime.activity(handles, within),
    ...(runtime.onUsage && { onUsage: (listener) => runtime.onUsage?.(listener) }),
    ...(runtime.measure && { measure: async (handles) => runtime.measure?.(handles) }),
    logs: (unit, maxBytes) => runtime.logs(unit, maxBytes),
    onEnd: (listener) => runtime.onEnd(listener),
    close: () => runtime.close(),
  };
}
