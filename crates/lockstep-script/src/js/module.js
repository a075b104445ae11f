// `createRequire`, for ES modules that need CommonJS.
const { fileURLToPath } = require('url');

module.exports = {
  builtinModules: native.names(),
  createRequire: (from) => native.createRequire_(String(from).startsWith('file:') ? fileURLToPath(from) : String(from)),
  isBuiltin: (name) => native.names().includes(String(name).replace(/^node:/, '')),
};
