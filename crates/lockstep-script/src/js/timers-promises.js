module.exports = {
  setTimeout: (delay, value) => new Promise((resolve) => globalThis.setTimeout(resolve, delay, value)),
  setImmediate: (value) => new Promise((resolve) => globalThis.setImmediate(resolve, value)),
};
