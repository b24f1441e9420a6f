/** Lets everything that waits for the event loop go first. */
export function pauseForEventLoop(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
