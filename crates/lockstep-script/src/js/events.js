// `EventEmitter`.
class EventEmitter {
  #listeners = new Map();
  on(name, listener) {
    this.#listeners.set(name, [...this.listeners(name), listener]);
    return this;
  }
  once(name, listener) {
    const wrapped = (...args) => {
      this.off(name, wrapped);
      listener.apply(this, args);
    };
    wrapped.listener = listener;
    return this.on(name, wrapped);
  }
  off(name, listener) {
    this.#listeners.set(name, this.listeners(name).filter((known) => known !== listener && known.listener !== listener));
    return this;
  }
  emit(name, ...args) {
    const listeners = this.listeners(name);
    if (name === 'error' && listeners.length === 0) throw args[0] instanceof Error ? args[0] : new Error(String(args[0]));
    for (const listener of listeners) listener.apply(this, args);
    return listeners.length > 0;
  }
  listeners(name) { return this.#listeners.get(name) || []; }
  listenerCount(name) { return this.listeners(name).length; }
  eventNames() { return [...this.#listeners.keys()]; }
  setMaxListeners() { return this; }
  removeAllListeners(name) {
    if (name === undefined) this.#listeners.clear();
    else this.#listeners.delete(name);
    return this;
  }
}
EventEmitter.prototype.addListener = EventEmitter.prototype.on;
EventEmitter.prototype.removeListener = EventEmitter.prototype.off;
EventEmitter.EventEmitter = EventEmitter;
EventEmitter.default = EventEmitter;
EventEmitter.once = (emitter, name) => new Promise((resolve) => {
  emitter.once(name, (...args) => resolve(args));
});
module.exports = EventEmitter;
