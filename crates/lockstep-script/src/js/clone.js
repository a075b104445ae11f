// `structuredClone`.
function copy(value, seen) {
  if (typeof value === 'function' || typeof value === 'symbol') {
    throw new DOMException(`${String(value)} could not be cloned.`, 'DataCloneError');
  }
  if (typeof value !== 'object' || value === null) return value;
  if (seen.has(value)) return seen.get(value);
  const remember = (result) => {
    seen.set(value, result);
    return result;
  };
  if (value instanceof Date) return remember(new Date(value.getTime()));
  if (value instanceof RegExp) return remember(new RegExp(value.source, value.flags));
  if (value instanceof ArrayBuffer) return remember(value.slice(0));
  if (ArrayBuffer.isView(value)) return remember(new value.constructor(value));
  if (value instanceof Map) {
    const result = remember(new Map());
    for (const [key, item] of value) result.set(copy(key, seen), copy(item, seen));
    return result;
  }
  if (value instanceof Set) {
    const result = remember(new Set());
    for (const item of value) result.add(copy(item, seen));
    return result;
  }
  if (value instanceof Error) {
    const result = remember(new value.constructor(value.message));
    if (value.cause !== undefined) result.cause = copy(value.cause, seen);
    return result;
  }
  const result = remember(Array.isArray(value) ? new Array(value.length) : {});
  for (const key of Object.keys(value)) result[key] = copy(value[key], seen);
  return result;
}

exports.clone = (value) => copy(value, new Map());
