// UTF-8.
function encode(text) {
  const bytes = [];
  for (const character of String(text)) {
    let code = character.codePointAt(0);
    if (code >= 0xd800 && code <= 0xdfff) code = 0xfffd;
    if (code < 0x80) bytes.push(code);
    else if (code < 0x800) bytes.push(0xc0 | (code >> 6), 0x80 | (code & 63));
    else if (code < 0x10000) bytes.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
    else bytes.push(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 63), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
  }
  return Uint8Array.from(bytes);
}

class TextEncoder {
  get encoding() { return 'utf-8'; }
  encode(text = '') { return encode(text); }
  encodeInto(text, target) {
    const bytes = encode(text).slice(0, target.length);
    target.set(bytes);
    return { read: text.length, written: bytes.length };
  }
}

function bytesOf(source) {
  if (source === undefined) return new Uint8Array(0);
  if (ArrayBuffer.isView(source)) return new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
  return new Uint8Array(source);
}

const latin = (bytes) => {
  let text = '';
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return text;
};

class TextDecoder {
  #latin;
  #fatal;
  constructor(label = 'utf-8', options = {}) {
    const name = String(label).toLowerCase();
    this.#latin = ['latin1', 'iso-8859-1', 'ascii', 'us-ascii', 'windows-1252'].includes(name);
    if (!this.#latin && !['utf-8', 'utf8', 'unicode-1-1-utf-8'].includes(name)) {
      throw new RangeError(`the encoding ${label} is not available; utf-8 and latin1 are`);
    }
    this.#fatal = Boolean(options.fatal);
  }
  get encoding() { return this.#latin ? 'windows-1252' : 'utf-8'; }
  decode(source) {
    const bytes = bytesOf(source);
    if (this.#latin) return latin(bytes);
    const text = native.utf8([...bytes], this.#fatal);
    if (text === undefined) throw new TypeError('The encoded data was not valid for encoding utf-8');
    return text;
  }
}

module.exports = { TextEncoder, TextDecoder, encode, bytesOf, latin };
