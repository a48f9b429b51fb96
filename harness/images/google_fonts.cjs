// What next/font/google is answered while an image is built that reaches no Google.
//
// Next asks for addresses one by one (webpack), or wants all of them at once as JSON
// (Turbopack). Those are worked out with Next's own code from the calls in the sources.
'use strict'

const CALLS = [] /* name of the font, and its options as they are written */
const { existsSync } = require('fs')
const { dirname, join } = require('path')
const { createRequire: requireFrom } = require('module')

const GOOGLE = 'https://fonts.googleapis.com/'
const NEXT = 'next/dist/compiled/@next/font/dist/google/'

// A font that is there where the page is read, or none: no file is fetched or made up.
function answer(address) {
  const family = new URL(address).searchParams.get('family').split(':')[0]
  return [
    '@font-face {',
    `  font-family: '${family}';`,
    '  font-style: normal;',
    '  font-weight: 100 900;',
    "  src: local('Arial');",
    '}',
    '',
  ].join('\n')
}

function withThoseAbove(path) {
  const above = dirname(path)
  return above === path ? [path] : [path, ...withThoseAbove(above)]
}

function addresses() {
  // Turbopack runs this from the file's own folder, by a script below the application's.
  const folders = [process.argv[1] || '', process.cwd()].flatMap(withThoseAbove)
  const home = folders.find((folder) => existsSync(join(folder, 'node_modules', 'next')))
  if (!home) return []
  const load = requireFrom(join(home, 'package.json'))
  const { validateGoogleFontFunctionCall } = load(NEXT + 'validate-google-font-function-call.js')
  const { getFontAxes } = load(NEXT + 'get-font-axes.js')
  const { getGoogleFontsUrl } = load(NEXT + 'get-google-fonts-url.js')
  return CALLS.flatMap(([name, written]) => {
    try {
      const options = new Function(`return (${written || "{}"}\n)`)()
      const call = validateGoogleFontFunctionCall(name, options)
      const { fontFamily, weights, styles, selectedVariableAxes, display } = call
      const axes = getFontAxes(fontFamily, weights, styles, selectedVariableAxes)
      return [getGoogleFontsUrl(fontFamily, axes, display)]
    } catch {
      return [] // Next says itself what is wrong with it
    }
  })
}

const answers = {}
try {
  for (const address of addresses()) answers[address] = answer(address)
} catch (error) {
  console.error(`stand-in for Google's fonts: ${error}`)
}

module.exports = new Proxy(answers, {
  get: (known, name) =>
    typeof name === 'string' && name.startsWith(GOOGLE) ? answer(name) : known[name],
})
