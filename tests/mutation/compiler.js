// The compiler, warm: standard JSON by the line, an answer to each. A mutant costs what it costs to compile, and not the
// second in which the compiler itself is loaded and translated.
//
//   node compiler.js PROJECT        (imports that are not in the question are read from there)
'use strict'
const fs = require('fs')
const path = require('path')
const [project] = process.argv.slice(2)
const solc = require(require.resolve('solc', { paths: [project] }))

const read = (name) => {
  try {
    return { contents: fs.readFileSync(path.join(project, name), 'utf8') }
  } catch (problem) {
    return { error: problem.message }
  }
}

require('readline').createInterface({ input: process.stdin }).on('line', (question) => {
  process.stdout.write(solc.compile(question, { import: read }) + '\n')
})
