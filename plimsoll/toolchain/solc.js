#!/usr/bin/env node
// The compiler as a command. Package registries carry solc only as WebAssembly (npm `solc`); Brownie wants an
// executable named `solc-v<version>`. This file is that executable: set-up points one at it in `.solc/`.
//
//   solc --version                                             answered without loading the compiler (0.4 s each time)
//   solc --standard-json [FILE] [--base-path P] [--include-path P]... [--allow-paths P,P]
//
// Imports are read from the disk by solc's own rule: base path, then include paths, inside the allowed folders only.
// Outputs without errors are kept in `.solc/cache`, keyed by compiler and input, and used again only while every file
// that was imported still has the content it had. So `brownie compile --all` is cheap when nothing changed.
'use strict'
const crypto = require('crypto')
const fs = require('fs')
const path = require('path')
const zlib = require('zlib')

const ROOT = path.resolve(__dirname, '..', '..')
const CACHE = process.env.PLIMSOLL_SOLC_CACHE || path.join(ROOT, '.solc', 'cache')
const KEPT_OUTPUTS = 24

const sha256 = (text) => crypto.createHash('sha256').update(text).digest('hex')
const loadCompiler = () => require(require.resolve('solc', { paths: [ROOT] }))

function main (args) {
  const options = parse(args)
  if (options.version) {
    process.stdout.write(`solc, the solidity compiler commandline interface\nVersion: ${version()}\n`)
    return
  }
  const text = fs.readFileSync(options.file === '-' ? 0 : options.file, 'utf8')
  process.stdout.write(compileCached(inOrder(text), options) + '\n')
}

function parse (args) {
  const options = { version: false, standardJson: false, file: '-', base: process.cwd(), includes: [], allowed: [] }
  for (let i = 0; i < args.length; i++) {
    if (args[i] === '--version') options.version = true
    else if (args[i] === '--standard-json') options.standardJson = true
    else if (args[i] === '--base-path') options.base = path.resolve(args[++i])
    else if (args[i] === '--include-path') options.includes.push(path.resolve(args[++i]))
    else if (args[i] === '--allow-paths') options.allowed.push(...args[++i].split(',').filter(Boolean))
    else if (args[i] === '-' || !args[i].startsWith('-')) options.file = args[i]
    else fail(`unrecognised option '${args[i]}'`)
  }
  if (!options.version && !options.standardJson) fail('only --version and --standard-json are offered by this compiler')
  return options
}

function fail (message) {
  process.stderr.write(`${message}\n`)
  process.exit(1)
}

// The long version (with its commit) is known only to the compiler itself: asked once per installed package.
function version () {
  const installed = require(require.resolve('solc/package.json', { paths: [ROOT] })).version
  const file = path.join(CACHE, `version-${installed}`)
  if (fs.existsSync(file)) return fs.readFileSync(file, 'utf8')
  const long = loadCompiler().version()
  write(file, long)
  return long
}

function compileCached (text, options) {
  const file = path.join(CACHE, `${sha256(`${version()}\n${text}`)}.json.gz`)
  const resolve = resolver(text, options)
  const kept = read(file)
  if (kept && Object.entries(kept.imports).every(([name, hash]) => hashOf(resolve(name)) === hash)) return kept.output

  const imports = {}
  const output = JSON.parse(loadCompiler().compile(text, {
    import: (name) => {
      const found = resolve(name)
      imports[name] = hashOf(found)
      return found
    }
  }))
  for (const source of Object.values(output.sources || {})) restoreNegativeIds(source.ast)
  const printed = JSON.stringify(output)
  if (!(output.errors || []).some((e) => e.severity === 'error')) {
    write(file, zlib.gzipSync(JSON.stringify({ imports, output: printed }), { level: 1 }))
    forgetOld()
  }
  return printed
}

// Brownie names the sources in another order each time; to solc the order means nothing, to the cache it would.
function inOrder (text) {
  try {
    const input = JSON.parse(text)
    const names = Object.keys(input.sources).sort()
    return JSON.stringify({ ...input, sources: Object.fromEntries(names.map((name) => [name, input.sources[name]])) })
  } catch {
    return text // the compiler itself reports a malformed input
  }
}

const hashOf = (found) => found.error ? 'missing' : sha256(found.contents)

// name -> {contents} or {error}, as solc reads from the disk.
function resolver (text, options) {
  const roots = [options.base, ...options.includes]
  const allowed = [...roots, ...options.allowed, ...remappingTargets(text)].map((p) => real(path.resolve(options.base, p)))
  return (name) => {
    const plain = name.replace(/^file:\/\//, '')
    const places = path.isAbsolute(plain) ? [plain] : roots.map((root) => path.join(root, plain))
    const place = places.find((p) => fs.existsSync(p) && fs.statSync(p).isFile())
    if (!place) return { error: `File not found. Searched the following locations: ${places.join(', ')}.` }
    const inside = allowed.some((folder) => real(place) === folder || real(place).startsWith(folder + path.sep))
    if (!inside) return { error: `File outside of allowed directories: ${allowed.join(', ')}.` }
    return { contents: fs.readFileSync(place, 'utf8') }
  }
}

const real = (p) => fs.existsSync(p) ? fs.realpathSync(p) : p

function remappingTargets (text) {
  try {
    return (JSON.parse(text).settings.remappings || []).map((r) => r.slice(r.indexOf('=') + 1))
  } catch {
    return []
  }
}

// Built-in declarations have the ids -1, -2, ...; the WebAssembly build prints them as 2^32 - n, which other tools
// take for a missing node. No other number of an AST reaches 2^31.
function restoreNegativeIds (node) {
  if (node === null || typeof node !== 'object') return
  for (const key of Object.keys(node)) {
    if (typeof node[key] === 'number' && node[key] >= 2 ** 31) node[key] -= 2 ** 32
    else restoreNegativeIds(node[key])
  }
}

function read (file) {
  try {
    return JSON.parse(zlib.gunzipSync(fs.readFileSync(file)))
  } catch {
    return null // absent, or cut short by an interrupted run: compile
  }
}

// Renaming is atomic: two compilers at once never read half a file.
function write (file, data) {
  fs.mkdirSync(CACHE, { recursive: true })
  fs.writeFileSync(`${file}.${process.pid}`, data)
  fs.renameSync(`${file}.${process.pid}`, file)
}

function forgetOld () {
  const outputs = fs.readdirSync(CACHE).filter((name) => name.endsWith('.json.gz')).map((name) => path.join(CACHE, name))
  const age = new Map(outputs.map((file) => [file, fs.statSync(file).mtimeMs]))
  outputs.sort((a, b) => age.get(b) - age.get(a)).slice(KEPT_OUTPUTS).forEach((file) => fs.rmSync(file, { force: true }))
}

main(process.argv.slice(2))
