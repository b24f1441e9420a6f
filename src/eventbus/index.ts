export type { EventBus, EventConsumer, EventQuery } from './event-bus.ts';
export { createEventBus, type EventBusParts } from './create-event-bus.ts';
